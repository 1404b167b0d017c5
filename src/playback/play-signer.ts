import { SignJWT } from 'jose';
import type { PlayUrls } from '../contracts/api';
import { cmafPlaylistUrl, dashManifestUrl, masterPlaylistUrl } from '../contracts/origin';
import { SwarmError } from '../domain';
import { isSameKey, type KeyFolder, type NumberedKey } from '../platform/key-folder';
import type { Logger } from '../platform/logger';
import { PLAY_ALGORITHM, PLAY_AUDIENCE, PLAY_KEYS_KEPT_MS, openPlayKeys, withToken } from './play-token';

const DEFAULT_LIFE_MS = 12 * 3_600_000;

interface Signed {
  key: NumberedKey;
  token: string;
  expiresAtMs: number;
}

/** Gives out the addresses of channels: signed ones with keys, else plain ones. */
export class PlaySigner {
  /** Tokens that are given out again until half of their life is over, so that an address does not change each time. */
  private readonly kept = new Map<string, Signed>();

  private constructor(
    private readonly keys: KeyFolder | null,
    private readonly nowMs: () => number,
  ) {}

  /** Addresses that everybody may use. */
  static unsigned(): PlaySigner {
    return new PlaySigner(null, Date.now);
  }

  /** @param keysFolder null: addresses are not signed. The first key is made where there is none. */
  static async of(
    keysFolder: string | null,
    nowMs: () => number = Date.now,
    log?: Pick<Logger, 'warn'>,
  ): Promise<PlaySigner> {
    return new PlaySigner(keysFolder === null ? null : await openPlayKeys(keysFolder, log), nowMs);
  }

  /** Whether it gives out signed addresses. */
  get signs(): boolean {
    return this.keys !== null;
  }

  /** Addresses that are good for so long from now. @throws SwarmError conflict where none are signed */
  async sign(originUrl: string, channelId: string, lifeMs: number): Promise<PlayUrls> {
    if (!this.keys)
      throw new SwarmError(
        'conflict',
        'Addresses do not expire in this swarm: every player may read every channel.',
        'Start it with SWARM_PLAY_URLS=signed.',
      );
    await this.keys.read();
    return urlsWith(originUrl, channelId, await this.signed(this.keys, channelId, lifeMs));
  }

  /** What is shown with a channel: a plain address, which nobody can play, while there is no key to sign it with. */
  async urlsOf(originUrl: string, channelId: string): Promise<PlayUrls> {
    return urlsWith(originUrl, channelId, this.keys && (await this.shown(this.keys, channelId)));
  }

  private async shown(keys: KeyFolder, channelId: string): Promise<Signed | null> {
    await keys.readAfter(this.nowMs(), PLAY_KEYS_KEPT_MS);
    if (!keys.current) return null;
    const kept = this.kept.get(channelId);
    if (kept && isSameKey(kept.key, keys.current) && kept.expiresAtMs - this.nowMs() > DEFAULT_LIFE_MS / 2)
      return kept;
    const signed = await this.signed(keys, channelId, DEFAULT_LIFE_MS);
    this.kept.set(channelId, signed);
    return signed;
  }

  /** With the keys as they were read. */
  private async signed(keys: KeyFolder, channelId: string, lifeMs: number): Promise<Signed> {
    const { current } = keys;
    if (!current)
      throw new SwarmError(
        'unavailable',
        `There is no key in ${keys.folder}: addresses of channels can't be signed.`,
        'Put the key back, or start again: one is made.',
      );
    const expiresAtMs = this.nowMs() + lifeMs;
    const token = await new SignJWT()
      .setProtectedHeader({ alg: PLAY_ALGORITHM, kid: current.id })
      .setAudience(PLAY_AUDIENCE)
      .setSubject(channelId)
      .setExpirationTime(Math.floor(expiresAtMs / 1_000))
      .sign(current.key);
    return { key: current, token, expiresAtMs };
  }
}

const urlsWith = (originUrl: string, channelId: string, signed: Signed | null): PlayUrls => {
  const base = signed ? withToken(originUrl, signed.token) : originUrl;
  return {
    hls: masterPlaylistUrl(base, channelId),
    cmaf: cmafPlaylistUrl(base, channelId),
    dash: dashManifestUrl(base, channelId),
    expiresAtMs: signed && signed.expiresAtMs,
  };
};
