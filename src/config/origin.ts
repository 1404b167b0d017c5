import { z } from 'zod';

/** Below it a part holds a few pictures only, and each costs requests; above it nothing is gained. */
const SHORTEST_MS = 200;
const LONGEST_MS = 1_000;

/** Variables of the origin: its budgets, and what it has for players close to live. */
export const originVariables = {
  SWARM_ORIGIN_DISK_MIB: z.coerce
    .number()
    .min(16)
    .max(16_777_216)
    .optional()
    .describe(
      'What the segments of all channels of the origin take up together, in MiB. It is divided over the channels where ' +
        'they would have more. Default: nine tenths of what the disk has for them, free and in use.',
    ),
  SWARM_ORIGIN_MEMORY_MIB: z.coerce
    .number()
    .min(16)
    .max(16_777_216)
    .optional()
    .describe(
      'What the ledgers of all channels of the origin take up together in memory, in MiB. Where they would have more, each ' +
        'channel keeps fewer GOPs in its ledger. Default: half of the memory of the machine.',
    ),
  SWARM_PARTIAL_SEGMENT_MS: z.coerce
    .number()
    .int()
    .refine(
      (ms) => ms === 0 || (ms >= SHORTEST_MS && ms <= LONGEST_MS),
      `use 0, or ${SHORTEST_MS} to ${LONGEST_MS}`,
    )
    .default(0)
    .describe(
      'How long the partial segments of low-latency HLS are, in ms: 500 is a good value. The origin and the encoder hosts read ' +
        'it (docs/how-to/play-close-to-live.md). 0: GOPs are published whole.',
    ),
};
