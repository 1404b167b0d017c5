import type { z } from 'zod';

/** An answer with one fault has it in each of its items, of which there may be thousands. */
const MOST_NAMED = 5;

/** What breaks a schema, by field. */
export const faultsOf = ({ issues }: z.ZodError): string => {
  const named = issues.slice(0, MOST_NAMED).map((i) => `${i.path.join('.') || 'answer'}: ${i.message}`);
  const more = issues.length - named.length;
  return `${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
};
