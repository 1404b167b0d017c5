import { z } from 'zod';

/** What the acceptance run and benches read of the API's answer to a request for a handoff. */
export const moveAnswerSchema = z.object({
  outcome: z.string(),
  toEncoderId: z.string().nullable(),
  failure: z.object({ message: z.string() }).nullish(),
});
