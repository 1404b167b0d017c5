import type { InjectedFault } from '../../bench/chaos/injector';
import type { ChaosFacts } from '../../bench/chaos/result';
import type { SeenEntry } from '../../bench/chaos/watcher';

export const GOP_MS = 2_000;

export const entry = (gop: number, more: Partial<SeenEntry> = {}): SeenEntry => ({
  gop,
  token: 1,
  encoderId: 'enc-1',
  sessionId: 's-1',
  sealedAtMs: gop * GOP_MS,
  publishedAtMs: gop * GOP_MS + 200,
  seenAtMs: gop * GOP_MS + 300,
  delayMs: 200,
  renditions: [],
  ...more,
});

export const injected = (more: Partial<InjectedFault> = {}): InjectedFault => ({
  number: 1,
  kind: 'kill encoder',
  group: 'kill',
  part: 'enc-1',
  words: 'kill encoder',
  beganAtMs: 10_000,
  endedAtMs: 10_000,
  skipped: null,
  ...more,
});

/** Facts of a run that holds. */
export const goodFacts = (more: Partial<ChaosFacts> = {}): ChaosFacts => ({
  minutes: 1,
  seed: 5,
  commit: 'abc',
  faults: [injected()],
  kindsLeftOut: [],
  continuity: {
    ...{ framesChecked: 1_000, framesLost: 0, framesRepeated: 0, framesInvalid: 0 },
    gaps: new Map(),
    problems: [],
  },
  gaps: [],
  fenceFaults: [],
  sagas: { outcomes: { 'handoff completed': 3, 'recovery recovered': 2 }, unresolved: [], running: 0 },
  kills: [],
  channelsOffAir: [],
  staleTokensRefused: 4,
  publishDelaysMs: [200, 210],
  troubles: [],
  ...more,
});
