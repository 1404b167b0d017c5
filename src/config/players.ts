import { join } from 'node:path';
import { z } from 'zod';

/** How players reach the origin. */
export const playVariables = {
  SWARM_PLAYER_PORT: z.coerce
    .number()
    .int()
    .min(1)
    .max(65_535)
    .optional()
    .describe(
      'Port of the origin for players: playlists and segments, with connections of their own. `npm start` takes 7707. ' +
        'Without it, players share the port of the origin, which goes on answering them in any case.',
    ),
  SWARM_PLAY_URLS: z
    .enum(['open', 'signed'])
    .default('open')
    .describe(
      '`signed`: players get playlists and segments by addresses that expire (`encoder-swarm channel play-url`), and nobody else does.',
    ),
  SWARM_PLAY_KEYS: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder of the keys for that, the same for origin, API and command line. Default: `secrets/play-keys` in the state folder.',
    ),
};

/** Folder of the keys with which addresses of channels are signed; null where they are not. */
export const playKeysFolder = ({
  SWARM_PLAY_URLS,
  SWARM_PLAY_KEYS,
  SWARM_STATE_DIR,
}: z.infer<z.ZodObject<typeof playVariables>> & { SWARM_STATE_DIR: string }): string | null =>
  SWARM_PLAY_URLS === 'signed' ? (SWARM_PLAY_KEYS ?? join(SWARM_STATE_DIR, 'secrets', 'play-keys')) : null;
