export { seededRandom, shuffled } from '../domain';
