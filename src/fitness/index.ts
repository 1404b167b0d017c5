export { FitnessEvaluator, fitnessOf } from './fitness';
export { headroomTerm, scoreOf, type FitnessTerms, type FitnessWeights } from './terms';
