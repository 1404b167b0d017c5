import { createHash } from 'node:crypto';

/** A digest for a name, of the form that a real one has. */
export const fakeDigest = (name: string): string => createHash('sha256').update(name).digest('hex');
