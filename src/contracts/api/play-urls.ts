import { z } from 'zod';
import { idParams } from './common';
import { operation } from './operation';

const LEAST_LIFE_MS = 1_000;
const MOST_LIFE_MS = 366 * 86_400_000;

const signPlayUrlsSchema = z.strictObject({
  lifeMs: z
    .int()
    .min(LEAST_LIFE_MS)
    .max(MOST_LIFE_MS)
    .describe('How long the addresses are good for, in milliseconds.'),
});

/** Where a channel is played: HLS in MPEG-TS, HLS in fragmented MP4, DASH. */
export const playUrlsSchema = z.object({
  hls: z.string(),
  cmaf: z.string(),
  dash: z.string(),
  expiresAtMs: z.number().nullable().describe('Milliseconds since 1970; null: they do not expire.'),
});
export type PlayUrls = z.infer<typeof playUrlsSchema>;

export const playUrlOperations = {
  signPlayUrls: operation({
    method: 'post',
    path: '/channels/{id}/play-urls',
    access: 'operator',
    summary: 'Signs addresses at which players get a channel until they expire (`SWARM_PLAY_URLS=signed`)',
    params: idParams,
    body: signPlayUrlsSchema,
    answers: { 201: playUrlsSchema },
    refusals: ['unknown-channel', 'conflict', 'unavailable', 'timeout'],
  }),
};
