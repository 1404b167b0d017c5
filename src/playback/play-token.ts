import { KeyFolder } from '../platform/key-folder';
import type { Logger } from '../platform/logger';

/**
 * What makes an address of a channel playable: a JWT (RFC 7519, HS256) in its path, `/play/TOKEN/hls/CHANNEL/…`. Being
 * in the path, it goes along with every relative address of a playlist or manifest, and a cache can leave it out of its
 * keys. Header: `kid`, the number of the key. Claims: `aud`, `sub` (the channel), `exp`.
 */
export const PLAY_AUDIENCE = 'encoder-swarm/play';
export const PLAY_ALGORITHM = 'HS256';

/** A key that is taken away counts no longer after that. */
export const PLAY_KEYS_KEPT_MS = 5_000;

/** Keys of tokens. A file without one is no reason to refuse what others have signed. */
export const openPlayKeys = (folder: string, log?: Pick<Logger, 'warn'>): Promise<KeyFolder> =>
  KeyFolder.open(folder, {
    make: true,
    onFault: ({ message, hint }) => log?.warn({ why: message, hint }, 'a file of play keys is passed over'),
  });

/** Base URL of the origin, or of a cache before it, for one who has a token. */
export const withToken = (originUrl: string, token: string): string => `${originUrl}/play/${token}`;
