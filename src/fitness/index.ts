export { fitnessOf } from './fitness';
export { headroomTerm, scoreOf, type FitnessTerms } from './terms';
