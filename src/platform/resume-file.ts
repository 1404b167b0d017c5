import { renameSync, rmSync } from 'node:fs';

/** Where a part finds what it did when the swarm was stopped, to go on with it: see keepForResume. */
export const resumeFileOf = (file: string): string => `${file}.resume`;

/**
 * Puts a part's notes of what it does aside for its next start. For whoever starts parts, before a start of the whole
 * swarm; where a part has died alone, others have taken over what it did before it is back. Nothing happens where there are
 * no notes.
 */
export const keepForResume = (file: string): void => {
  try {
    renameSync(file, resumeFileOf(file));
  } catch {
    // Then there is nothing to go on with, and the control plane does it.
  }
};

/** Removes a part's notes, also those that were put aside. @throws Error of the file system */
export const forgetForGood = (file: string): void => {
  for (const each of [file, resumeFileOf(file)]) rmSync(each, { force: true });
};
