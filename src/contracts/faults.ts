import type { z } from 'zod';

/** An answer with one fault has it in each of its items, of which there may be thousands. */
const MOST_TOLD = 5;

/** What breaks a schema, by field. */
export const faultsOf = ({ issues }: z.ZodError): string => {
  const told = issues.slice(0, MOST_TOLD).map((i) => `${i.path.join('.') || 'answer'}: ${i.message}`);
  const more = issues.length - told.length;
  return `${told.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
};
