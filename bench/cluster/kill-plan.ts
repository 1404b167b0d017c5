import { seededRandom, shuffled } from '../../src/domain/seeded-random';

/** What is killed in turn; `history` is one of the two hosts, `worker` that of the swarm. */
export const victims = ['frontend', 'history', 'matching', 'database', 'worker'] as const;
export type Victim = (typeof victims)[number];

export interface Kill {
  /** Since the load began. */
  atMs: number;
  victim: Victim;
  /** Of two history hosts: 1 or 2. */
  host: 1 | 2;
}

const MINUTE_MS = 60_000;
/** What starts again has this long before the next kill. */
const LEAST_PAUSE_MS = 6_000;

/** Every victim once a minute, in an order and at moments that the seed decides. Pure, and without an end. */
export function* drawKills(seed: number): Generator<Kill, never> {
  const random = seededRandom(seed);
  const slotMs = MINUTE_MS / victims.length;
  for (let minute = 0; ; minute += 1) {
    const order = shuffled(victims, random);
    for (const [i, victim] of order.entries()) {
      const atMs = minute * MINUTE_MS + i * slotMs + Math.floor(random() * (slotMs - LEAST_PAUSE_MS));
      yield { atMs, victim, host: random() < 0.5 ? 1 : 2 };
    }
  }
}
