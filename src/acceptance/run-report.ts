import Table from 'cli-table3';
import type { MoveRecord } from '../contracts/api';
import type { VerifyReport } from '../verify';
import type { FirstGop } from './first-gops';
import type { ScenarioResult } from './scenario';

/** What a bounded run writes to its report file. */
export interface RunReport {
  ok: boolean;
  /** Why it is not ok; empty if it is. */
  faults: string[];
  framesChecked: number;
  framesLost: number;
  framesRepeated: number;
  framesInvalid: number;
  gapsDeclared: number;
  /** Of channels with stamped sound, by its stamps. */
  audioSamplesChecked: number;
  audioSamplesLost: number;
  audioSamplesRepeated: number;
  audioSamplesInvalid: number;
  avOffsetChangeMs: number | null;
  /** Completed handoffs, whatever their reason. */
  handoffs: number;
  /** Of these, the ones that the planner made because a forecast crosses a limit. */
  proactiveHandoffs: number;
  operatorHandoffs: number;
  /** Of these, changes of ladder on the same encoder. */
  ladderHandoffs: number;
  /** Channels taken over from an encoder or session that was lost. */
  recoveries: number;
  encodersKilled: number;
  /** Mean cores in use by the whole swarm while the scenario ran; null where the system does not tell. */
  cpuCoresMean: number | null;
  /** From the start to all parts working. */
  startSeconds: number;
  /** From the start to the first GOP published, by channel. */
  firstGopSeconds: Record<string, number>;
  durationSeconds: number;
  seed: number;
  channels: {
    id: string;
    onAir: boolean;
    framesChecked: number;
    framesLost: number;
    framesRepeated: number;
    framesInvalid: number;
    gapsDeclared: number;
    problems: string[];
  }[];
  kill: ScenarioResult['kill'];
  moves: MoveRecord[];
}

export interface RunFacts {
  verified: VerifyReport;
  moves: MoveRecord[];
  scenario: ScenarioResult;
  channelIds: readonly string[];
  /** Channels that still published at the end. */
  onAir: readonly string[];
  firstGops: readonly FirstGop[];
  /** Wall clock of the start. */
  startedAtMs: number;
  startSeconds: number;
  durationSeconds: number;
  cpuCoresMean: number | null;
  seed: number;
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

const channelReports = ({ verified, channelIds, onAir }: RunFacts): RunReport['channels'] =>
  channelIds.map((id) => {
    const playlists = verified.playlists.filter((p) => p.channelId === id);
    const sum = (count: (playlist: (typeof playlists)[number]) => number): number =>
      playlists.reduce((total, playlist) => total + count(playlist), 0);
    return {
      id,
      onAir: onAir.includes(id),
      framesChecked: sum((p) => p.framesChecked),
      framesLost: sum((p) => p.framesLost),
      framesRepeated: sum((p) => p.framesRepeated),
      framesInvalid: sum((p) => p.framesInvalid),
      gapsDeclared: sum((p) => p.gapsDeclared),
      problems: playlists.flatMap((p) => p.problems.map((problem) => `${p.rendition}: ${problem}`)),
    };
  });

/** Judges a bounded run. Pure. */
export const makeRunReport = (facts: RunFacts): RunReport => {
  const { verified, moves, scenario } = facts;
  const channels = channelReports(facts);
  const handoffs = moves.filter((m) => m.kind === 'handoff' && m.outcome === 'completed');
  const withReason = (reason: string): number => handoffs.filter((m) => m.reason === reason).length;
  const recoveries = moves.filter(
    (m) => m.kind === 'recovery' && m.outcome === 'recovered' && m.reason !== 'start',
  ).length;
  const proactiveHandoffs = withReason('predicted-overload');
  const operatorHandoffs = withReason('operator');
  const faults = [
    ...channels.filter((c) => !c.onAir).map((c) => `${c.id} is off air at the end`),
    ...channels.filter((c) => c.framesChecked === 0).map((c) => `no frame of ${c.id} could be checked`),
    ...channels.flatMap((c) => c.problems.map((problem) => `${c.id} ${problem}`)),
    ...(proactiveHandoffs === 0 ? ['the planner made no proactive handoff'] : []),
    ...(operatorHandoffs === 0 ? ["no operator's handoff was completed"] : []),
    ...(scenario.kill === null ? ['no encoder was killed'] : []),
    ...(recoveries === 0 ? ['no channel was recovered'] : []),
  ];
  const { framesChecked, framesLost, framesRepeated, framesInvalid, gapsDeclared } = verified;
  return {
    ok: verified.ok && faults.length === 0,
    faults,
    framesChecked,
    framesLost,
    framesRepeated,
    framesInvalid,
    gapsDeclared,
    audioSamplesChecked: verified.audioSamplesChecked,
    audioSamplesLost: verified.audioSamplesLost,
    audioSamplesRepeated: verified.audioSamplesRepeated,
    audioSamplesInvalid: verified.audioSamplesInvalid,
    avOffsetChangeMs: verified.avOffsetChangeMs,
    handoffs: handoffs.length,
    proactiveHandoffs,
    operatorHandoffs,
    ladderHandoffs: withReason('ladder'),
    recoveries,
    encodersKilled: scenario.kill === null ? 0 : 1,
    cpuCoresMean: facts.cpuCoresMean === null ? null : rounded(facts.cpuCoresMean, 2),
    startSeconds: rounded(facts.startSeconds, 2),
    firstGopSeconds: Object.fromEntries(
      facts.firstGops.map((g) => [g.channelId, rounded((g.publishedAtMs - facts.startedAtMs) / 1000, 2)]),
    ),
    durationSeconds: rounded(facts.durationSeconds, 1),
    seed: facts.seed,
    channels,
    kill: scenario.kill,
    moves,
  };
};

/** The report as tables for people. */
export const reportInWords = (report: RunReport): string => {
  const perChannel = new Table({
    head: ['channel', 'first GOP', 'frames', 'lost', 'repeated', 'invalid', 'gaps', 'on air'],
    style: { head: [], border: [] },
  });
  for (const c of report.channels) {
    const first = report.firstGopSeconds[c.id];
    perChannel.push([
      c.id,
      first === undefined ? '-' : `${first} s`,
      ...[c.framesChecked, c.framesLost, c.framesRepeated, c.framesInvalid, c.gapsDeclared],
      c.onAir ? 'yes' : 'NO',
    ]);
  }
  const cpu = report.cpuCoresMean === null ? 'not known' : `${report.cpuCoresMean} cores`;
  return [
    perChannel.toString(),
    ...(report.audioSamplesChecked > 0
      ? [
          `sound: ${report.audioSamplesChecked} samples, ${report.audioSamplesLost} lost, ${report.audioSamplesRepeated} repeated, ${report.audioSamplesInvalid} invalid`,
        ]
      : []),
    `handoffs ${report.handoffs} (proactive ${report.proactiveHandoffs}, operator's ${report.operatorHandoffs}, ladder ${report.ladderHandoffs}), recoveries ${report.recoveries}, encoders killed ${report.encodersKilled}`,
    `started in ${report.startSeconds} s, ran ${report.durationSeconds} s, CPU ${cpu}, seed ${report.seed}`,
    ...report.faults.slice(0, 20).map((fault) => `  ✗ ${fault}`),
    report.ok ? '✓ every frame exactly once' : '✗ the run failed',
  ].join('\n');
};
