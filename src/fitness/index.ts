export { FitnessEvaluator, fitnessOf } from './fitness';
export { usableUnits } from './keeping-up';
export { headroomTerm, scoreOf, type FitnessTerms, type FitnessWeights } from './terms';
