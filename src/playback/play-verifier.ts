import { errors, jwtVerify, type JWTHeaderParameters } from 'jose';
import { z } from 'zod';
import { SwarmError, idSchema } from '../domain';
import type { KeyFolder, NumberedKey } from '../platform/key-folder';
import type { Logger } from '../platform/logger';
import { PLAY_ALGORITHM, PLAY_AUDIENCE, PLAY_KEYS_KEPT_MS, openPlayKeys } from './play-token';

/** What a token allows. */
export interface PlayGrant {
  channelId: string;
  /** Milliseconds since 1970. */
  expiresAtMs: number;
}

interface Known extends PlayGrant {
  key: NumberedKey;
}

const claimsSchema = z.object({ sub: idSchema, exp: z.number() });

const MOST_KNOWN = 10_000;
const HINT = 'Ask for a new address: encoder-swarm channel play-url CHANNEL.';

/** Tells what the token in an address allows. What was good once is remembered: a player asks several times a second. */
export class PlayVerifier {
  private readonly known = new Map<string, Known>();

  private constructor(
    private readonly keys: KeyFolder,
    private readonly nowMs: () => number,
  ) {}

  /** The first key is made where there is none. */
  static async open(
    keysFolder: string,
    nowMs: () => number = Date.now,
    log?: Pick<Logger, 'warn'>,
  ): Promise<PlayVerifier> {
    return new PlayVerifier(await openPlayKeys(keysFolder, log), nowMs);
  }

  /** @throws SwarmError forbidden for a token that is none of ours, has expired, or whose key was taken away */
  async verify(token: string): Promise<PlayGrant> {
    await this.keys.readAfter(this.nowMs(), PLAY_KEYS_KEPT_MS);
    const known = this.known.get(token) ?? (await this.checked(token));
    if (!this.keys.has(known.key)) throw refused('is of a key that is not in use any more');
    if (known.expiresAtMs <= this.nowMs()) throw refused('has expired');
    return known;
  }

  private async checked(token: string): Promise<Known> {
    let used = null as NumberedKey | null;
    const keyOf = ({ kid }: JWTHeaderParameters): Buffer => {
      const key = kid === undefined ? undefined : this.keys.get(kid);
      if (!key) throw refused('is of a key that is not in use');
      used = key;
      return key.key;
    };
    const { payload } = await jwtVerify(token, keyOf, {
      algorithms: [PLAY_ALGORITHM],
      audience: PLAY_AUDIENCE,
      requiredClaims: ['sub', 'exp'],
      currentDate: new Date(this.nowMs()),
    }).catch((error: unknown) => {
      if (error instanceof errors.JWTExpired) throw refused('has expired');
      throw error instanceof SwarmError ? error : refused('is none of this swarm');
    });
    const claims = claimsSchema.safeParse(payload);
    if (!claims.success || !used) throw refused('is none of this swarm');
    const known = { key: used, channelId: claims.data.sub, expiresAtMs: claims.data.exp * 1_000 };
    if (this.known.size >= MOST_KNOWN) this.forgetOldest();
    this.known.set(token, known);
    return known;
  }

  private forgetOldest(): void {
    const [oldest] = this.known.keys();
    if (oldest !== undefined) this.known.delete(oldest);
  }
}

const refused = (why: string): SwarmError =>
  new SwarmError('forbidden', `The token of this address ${why}.`, HINT);
