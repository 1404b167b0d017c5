import { seededRandom, shuffled } from '../../src/domain/seeded-random';
import {
  clockSpans,
  clockTargets,
  damageTargets,
  fullDiskVictims,
  inputAbsences,
  isOfEncoder,
  kindOf,
  linkEffects,
  linkNames,
  processTargets,
  secondTargets,
  victimsOf,
  type Fault,
  type FaultAction,
  type ProcessTarget,
} from './faults';

/** Rules of the draw; docs/reference/chaos.md explains them. Pure: the same numbers give the same plan. */
export const rules = {
  /** Between the beginnings of two faults. */
  intervalMs: { least: 3_500, most: 11_000 },
  /** No fault lasts longer. A quarter of the relay's ring. */
  longestMs: 15_000,
  atOnce: 2,
  /** How long after its fault a part still counts as taken: it starts again, its channels move. */
  recoveryMs: { encoder: 9_000, input: 40_000, other: 5_000 },
  /** Encoder hosts that are left alone at any moment. */
  encodersLeftAlone: 2,
  /** Time without new faults at the beginning, when the last parts have just been started, and at the end. */
  calmMs: 10_000,
} as const;

export interface PlanOptions {
  lastsMs: number;
  seed: number;
  /** Encoder hosts that the swarm starts with. */
  encoders: number;
  /** Kinds (see kindOf) that this machine can't do, or that are not wanted. */
  without?: ReadonlySet<string>;
}

/** How often each of these is in the deck; 1 where it is not named. */
const KILLS: Partial<Record<ProcessTarget, number>> = { ffmpeg: 4, encoder: 6, origin: 2, worker: 2 };
const STOPS: Partial<Record<ProcessTarget, number>> = { ffmpeg: 2, encoder: 2 };
const DISK_FULL = 2;

const times = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);

/** One card per fault to come. Numbers in it are drawn when it is played. */
const deckOf = (without: ReadonlySet<string>): FaultAction[] =>
  [
    ...processTargets.flatMap((target) => [
      ...times(KILLS[target] ?? 1, { group: 'kill' as const, target }),
      ...times(STOPS[target] ?? 1, { group: 'stop' as const, target, whole: false }),
    ]),
    ...linkNames.flatMap((link) =>
      linkEffects.map((effect) => ({ group: 'network' as const, link, effect, amount: 0 })),
    ),
    ...times(DISK_FULL, { group: 'disk' as const, target: 'origin' as const }),
    ...fullDiskVictims.map((kills) => ({ group: 'disk' as const, target: 'state' as const, kills })),
    ...clockTargets.flatMap((target) =>
      clockSpans.map((span) => ({ group: 'clock' as const, target, span, jumpMs: 0 })),
    ),
    ...damageTargets.map((target) => ({ group: 'damage' as const, target })),
    ...secondTargets.map((target) => ({ group: 'second' as const, target })),
    ...inputAbsences.map((absence) => ({ group: 'input' as const, target: 'input' as const, absence })),
  ].filter((action) => !without.has(kindOf(action)));

/** Every kind of fault, once. */
export const faultKinds: readonly string[] = [...new Set(deckOf(new Set()).map(kindOf))];

const between = (random: () => number, least: number, most: number): number =>
  Math.round(least + random() * (most - least));

/** Draws what a card leaves open, and how long it lasts. */
const play = (card: FaultAction, random: () => number): { action: FaultAction; lastsMs: number } => {
  switch (card.group) {
    case 'kill':
      return { action: card, lastsMs: 0 };
    case 'stop':
      return {
        action: { ...card, whole: card.target === 'encoder' && random() < 0.5 },
        lastsMs: between(random, 1_000, card.target === 'ffmpeg' ? rules.longestMs : 12_000),
      };
    case 'network': {
      if (card.effect === 'reset') return { action: card, lastsMs: between(random, 300, 3_000) };
      const amount =
        card.effect === 'delay'
          ? between(random, 150, 1_500)
          : card.effect === 'throttle'
            ? between(random, 4, 60)
            : 0;
      return { action: { ...card, amount }, lastsMs: between(random, 2_000, 12_000) };
    }
    case 'disk':
      // What is killed in the midst of it needs time to start again.
      return {
        action: card,
        lastsMs: between(random, card.target === 'state' ? 6_000 : 3_000, rules.longestMs),
      };
    case 'clock': {
      const seconds = card.span === 'day' ? between(random, 3_600, 86_400) : between(random, 2, 120);
      const jumpMs = (random() < 0.5 ? -1 : 1) * seconds * 1_000;
      return { action: { ...card, jumpMs }, lastsMs: between(random, 4_000, rules.longestMs) };
    }
    case 'damage':
      // The relay heals by itself. The origin is started twice: with the file damaged, and put back.
      return { action: card, lastsMs: card.target === 'origin' ? between(random, 4_000, 9_000) : 0 };
    case 'input':
      // Long enough to be noticed.
      return { action: card, lastsMs: between(random, 8_000, rules.longestMs) };
    case 'second':
      return { action: card, lastsMs: between(random, 1_000, 3_000) };
  }
};

const endOf = (fault: Fault): number => fault.atMs + fault.lastsMs;

/** Until when a fault counts as holding its victim. */
export const freeAgainAtMs = (fault: Fault): number =>
  endOf(fault) +
  rules.recoveryMs[fault.encoder !== null ? 'encoder' : fault.action.group === 'input' ? 'input' : 'other'];

/** The whole run, drawn in advance: from one seed, in order of time. */
export const drawPlan = (options: PlanOptions): Fault[] => {
  const random = seededRandom(options.seed);
  const without = options.without ?? new Set();
  const faults: Fault[] = [];
  let deck: FaultAction[] = [];
  let atMs = rules.calmMs + between(random, 0, rules.intervalMs.least);
  while (atMs < options.lastsMs - rules.calmMs) {
    const lasting = faults.filter((fault) => endOf(fault) > atMs);
    if (lasting.length >= rules.atOnce) {
      atMs = Math.min(...lasting.map(endOf)) + 200;
      continue;
    }
    if (deck.length === 0) deck = shuffled(deckOf(without), random);
    const held = faults.filter((fault) => freeAgainAtMs(fault) > atMs);
    const heldVictims = new Set(held.flatMap(victimsOf));
    const heldEncoders = new Set(held.flatMap((fault) => fault.encoder ?? []));
    const freeEncoders = Array.from({ length: options.encoders }, (_, i) => i).filter(
      (i) => !heldEncoders.has(i),
    );
    const mayPlay = (action: FaultAction): boolean =>
      isOfEncoder(action)
        ? freeEncoders.length > rules.encodersLeftAlone
        : !victimsOf({ action, encoder: null }).some((victim) => heldVictims.has(victim));
    const at = deck.findIndex(mayPlay);
    const [card] = at < 0 ? [] : deck.splice(at, 1);
    if (!card) {
      if (deck.length === 0) return faults;
      atMs += 500;
      continue;
    }
    const { action, lastsMs } = play(card, random);
    const encoder = isOfEncoder(action) ? freeEncoders[Math.floor(random() * freeEncoders.length)]! : null;
    faults.push({ number: faults.length + 1, atMs, lastsMs, action, encoder, choice: random() });
    atMs += between(random, rules.intervalMs.least, rules.intervalMs.most);
  }
  return faults;
};
