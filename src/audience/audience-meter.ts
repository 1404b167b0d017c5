import { createHmac, randomBytes } from 'node:crypto';
import type { ViewerCount } from '../domain';
import type { Watched } from './player-path';
import { ACTIVE_MS, ViewerCounter } from './viewer-counter';

/** Whoever asks, as it is told by the request. */
export interface Viewer {
  /** Session id by CMCD: the one thing that tells viewers behind one address from another. */
  sessionId: string | null;
  address: string;
  userAgent: string;
}

export interface MeterOptions {
  /** Viewers get other numbers after so long. */
  saltMs?: number;
  /** Replaceable for tests: 32 bytes that nobody knows. */
  salt?: () => Buffer;
}

const SALT_MS = 3_600_000;
const VIEWER_BYTES = 6;

interface Generation {
  salt: Buffer;
  counter: ViewerCounter;
  sinceMs: number;
}

/**
 * Counts viewers without keeping who they are: of session id, or address and agent, there is only a keyed hash, in
 * memory. Its key is made here, is never written, and changes each hour. Meanwhile both count, until the new one has
 * seen everybody.
 */
export class AudienceMeter {
  /** The last one is in the making, if there are two. */
  private generations: Generation[] = [];

  constructor(private readonly options: MeterOptions = {}) {}

  saw(watched: Watched, viewer: Viewer, region: string, atMs: number): void {
    this.turn(atMs);
    const { sessionId, address, userAgent } = viewer;
    const identity = sessionId === null ? `${address}\n${userAgent}` : `sid\n${sessionId}`;
    for (const { salt, counter } of this.generations) {
      const digest = createHmac('sha256', salt).update(identity).digest();
      counter.saw({ ...watched, region, viewer: digest.readUIntBE(0, VIEWER_BYTES), atMs });
    }
  }

  counts(atMs: number): ViewerCount[] {
    this.turn(atMs);
    return this.generations[0]?.counter.counts(atMs) ?? [];
  }

  private turn(atMs: number): void {
    const { saltMs = SALT_MS } = this.options;
    const [current, next] = this.generations;
    if (next && atMs - next.sinceMs >= ACTIVE_MS) this.generations = [next];
    else if (!current) this.generations = [this.generation(atMs)];
    else if (!next && atMs - current.sinceMs >= saltMs) this.generations.push(this.generation(atMs));
  }

  private generation(atMs: number): Generation {
    const { salt = () => randomBytes(32) } = this.options;
    return { salt: salt(), counter: new ViewerCounter(), sinceMs: atMs };
  }
}
