/** Declarations that may have the fields of another one, by `file name`, and why. */
export const allowed: Readonly<Record<string, string>> = {
  'src/models/training-files.ts identitySchema':
    'reads a file; its plan `satisfies` the type TrainingPlan, so that the compiler compares both',
};
