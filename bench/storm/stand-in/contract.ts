import { z } from 'zod';
import { sessionStateSchema } from '../../../src/domain';

/** What the stand-in answers to the storm over HTTP. */

/** A PUT that the origin acknowledged, as the session that made it knows it. */
export const acceptedPutSchema = z.object({
  channelId: z.string(),
  gop: z.int(),
  token: z.int(),
  encoderId: z.string(),
  sessionId: z.string(),
});
export type AcceptedPut = z.infer<typeof acceptedPutSchema>;

/** A session that was committed with a token. */
export const commitFactSchema = z.object({ channelId: z.string(), sessionId: z.string(), token: z.int() });
export type Commit = z.infer<typeof commitFactSchema>;

/** What the encoders themselves know of who published and who was committed, from the beginning on. */
export const factsSchema = z.object({
  accepted: z.array(acceptedPutSchema),
  commits: z.array(commitFactSchema),
});
export type EncoderFacts = z.infer<typeof factsSchema>;

/** What they do now: small, however long the storm was. */
export const activitySchema = z.object({
  sessions: z.array(
    z.object({
      encoderId: z.string(),
      sessionId: z.string(),
      channelId: z.string(),
      state: sessionStateSchema,
    }),
  ),
  lastSealed: z.record(z.string(), z.int()),
});
export type EncoderActivity = z.infer<typeof activitySchema>;
