/** Declarations that may have the fields of another one, by `file name`, and why. */
export const allowed: Readonly<Record<string, string>> = {
  'src/models/training-files.ts identitySchema':
    'reads a file; its plan `satisfies` the type TrainingPlan, so that the compiler compares both',
  'src/contracts/api/common.ts errorSchema':
    'checked against ErrorFields by `satisfies`: the codec of errors is free of zod, since workflows use it',
  'src/domain/plan.ts fitnessWeightsSchema': 'what each term weighs, with defaults; not how large it is',
};
