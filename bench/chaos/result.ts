import { percentile } from '../../src/domain/statistics';
import { rounded } from '../lib/statistics';
import type { ContinuityTotals } from './continuity';
import type { KilledHost } from './detection';
import type { DeclaredGap } from './gaps';
import type { InjectedFault } from './injector';
import type { SagaCounts } from './sagas';

/** Last line of a chaos run. */
export interface ChaosResult {
  ok: boolean;
  minutes: number;
  faults: number;
  handoffs: number;
  recoveries: number;
  framesChecked: number;
  framesLost: number;
  framesRepeated: number;
  framesInvalid: number;
  gapsDeclared: number;
  /** Gaps of GOPs that the relay's ring could still have had, or that the origin listed without having declared them. */
  gapsUnjustified: number;
  doubleOwners: number;
  sagasUnresolved: number;
  /** Channels that were not on air once all faults had ended. */
  channelsOffAir: string[];
  faultsSkipped: number;
  faultsByKind: Record<string, number>;
  kindsLeftOut: string[];
  sagas: Record<string, number>;
  encoderKills: number;
  detectionMsMedian: number | null;
  detectionMsP99: number | null;
  resumeGopsMedian: number | null;
  /** The same of kills with no other fault beside them. */
  undisturbedKills: number;
  undisturbedDetectionMsMedian: number | null;
  undisturbedDetectionMsWorst: number | null;
  undisturbedResumeGopsMedian: number | null;
  staleTokensRefused: number;
  publishDelayMsMedian: number | null;
  publishDelayMsWorst: number | null;
  seed: number;
  commit: string;
}

export interface ChaosFacts {
  minutes: number;
  seed: number;
  commit: string;
  faults: readonly InjectedFault[];
  kindsLeftOut: readonly string[];
  continuity: ContinuityTotals;
  gaps: readonly DeclaredGap[];
  fenceFaults: readonly string[];
  sagas: SagaCounts;
  kills: readonly KilledHost[];
  channelsOffAir: readonly string[];
  staleTokensRefused: number;
  /** Of every GOP, by the origin's clock: sealed to published. */
  publishDelaysMs: readonly number[];
  /** What else went wrong, such as a part that never came back. */
  troubles: readonly string[];
}

/** Gaps that a player is shown but the origin's ledger does not know: segments that were lost. */
const undeclaredGaps = ({ continuity, gaps }: ChaosFacts): number =>
  [...continuity.gaps].reduce(
    (sum, [channelId, shown]) =>
      sum + Math.max(0, shown - gaps.filter((gap) => gap.channelId === channelId).length),
    0,
  );

const sumOf = (outcomes: Record<string, number>, type: string, done: readonly string[]): number =>
  done.reduce((sum, outcome) => sum + (outcomes[`${type} ${outcome}`] ?? 0), 0);

/** Everything that makes a run fail, in words; empty if it holds. Pure. */
export const failuresOf = (facts: ChaosFacts): string[] => {
  const { continuity, gaps, fenceFaults, sagas, channelsOffAir, faults } = facts;
  const undeclared = undeclaredGaps(facts);
  return [
    ...(continuity.framesChecked === 0 ? ['no frame could be checked'] : []),
    ...continuity.problems,
    ...gaps
      .filter((gap) => !gap.justified)
      .map(
        ({ channelId, gop, behindGops, reason }) =>
          `${channelId}: GOP ${gop} was declared a gap (${reason}), though only ${behindGops ?? '?'} GOPs had come after it`,
      ),
    ...(undeclared > 0 ? [`${undeclared} GOPs are listed as gaps that nobody declared`] : []),
    ...fenceFaults,
    ...sagas.unresolved.map((saga) => `unresolved: ${saga}`),
    ...channelsOffAir.map((id) => `${id} is off air at the end`),
    ...faults
      .filter((fault) => fault.skipped?.startsWith('failed:'))
      .map(({ kind, skipped }) => `${kind} could not be injected: ${skipped}`),
    ...facts.troubles,
  ];
};

/** The figures of a run. Pure. */
export const resultOf = (facts: ChaosFacts): ChaosResult => {
  const { continuity, gaps, kills, sagas, faults } = facts;
  const done = faults.filter((fault) => fault.skipped === null);
  const faultsByKind: Record<string, number> = {};
  for (const { kind } of done) faultsByKind[kind] = (faultsByKind[kind] ?? 0) + 1;
  const calm = kills.filter((kill) => !kill.disturbed);
  const detections = (of: readonly KilledHost[]): number[] => of.flatMap((kill) => kill.detectedMs ?? []);
  const resumes = (of: readonly KilledHost[]): number[] => of.flatMap((kill) => kill.resumedGops);
  const { outcomes } = sagas;
  return {
    ok: failuresOf(facts).length === 0,
    minutes: facts.minutes,
    faults: done.length,
    handoffs: sumOf(outcomes, 'handoff', ['completed']),
    recoveries: sumOf(outcomes, 'recovery', ['recovered']),
    framesChecked: continuity.framesChecked,
    framesLost: continuity.framesLost,
    framesRepeated: continuity.framesRepeated,
    framesInvalid: continuity.framesInvalid,
    gapsDeclared: gaps.length,
    gapsUnjustified: gaps.filter((gap) => !gap.justified).length + undeclaredGaps(facts),
    doubleOwners: facts.fenceFaults.length,
    sagasUnresolved: sagas.unresolved.length,
    channelsOffAir: [...facts.channelsOffAir],
    faultsSkipped: faults.length - done.length,
    faultsByKind: Object.fromEntries(
      Object.entries(faultsByKind).sort(([one], [other]) => one.localeCompare(other)),
    ),
    kindsLeftOut: [...facts.kindsLeftOut],
    sagas: outcomes,
    encoderKills: kills.length,
    detectionMsMedian: rounded(percentile(detections(kills), 50), 0),
    detectionMsP99: rounded(percentile(detections(kills), 99), 0),
    resumeGopsMedian: rounded(percentile(resumes(kills), 50), 2),
    undisturbedKills: calm.length,
    undisturbedDetectionMsMedian: rounded(percentile(detections(calm), 50), 0),
    undisturbedDetectionMsWorst: rounded(percentile(detections(calm), 100), 0),
    undisturbedResumeGopsMedian: rounded(percentile(resumes(calm), 50), 2),
    staleTokensRefused: facts.staleTokensRefused,
    publishDelayMsMedian: rounded(percentile(facts.publishDelaysMs, 50), 0),
    publishDelayMsWorst: rounded(percentile(facts.publishDelaysMs, 100), 0),
    seed: facts.seed,
    commit: facts.commit,
  };
};
