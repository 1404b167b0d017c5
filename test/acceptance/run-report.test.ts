import { makeRunReport, reportInWords, type RunFacts } from '../../src/acceptance/run-report';
import type { MoveRecord } from '../../src/contracts/api';

const move = (options: Partial<MoveRecord>): MoveRecord => ({
  workflowId: 'handoff/ch-1/1',
  runId: 'r',
  url: '',
  kind: 'handoff',
  channelId: 'ch-1',
  reason: 'operator',
  outcome: 'completed',
  fromEncoderId: 'enc-1',
  toEncoderId: 'enc-2',
  requestedAtMs: 0,
  finishedAtMs: 1,
  requestToCommitMs: 1,
  overlapGops: 0.5,
  firstGop: 1,
  gapsDeclared: 0,
  summary: null,
  failure: null,
  ...options,
});

const OPERATOR = move({});
const PROACTIVE = move({ reason: 'predicted-overload' });
const RECOVERY = move({ kind: 'recovery', reason: 'encoder-lost', outcome: 'recovered' });

const clean = { framesLost: 0, framesRepeated: 0, framesInvalid: 0, gapsDeclared: 0 };
const silent = {
  ...{ audioSamplesChecked: 0, audioSamplesLost: 0, audioSamplesRepeated: 0, audioSamplesInvalid: 0 },
  avOffsetChangeMs: null,
};
const facts = (options: Partial<RunFacts> = {}): RunFacts => ({
  verified: {
    ...{ ...clean, ...silent, ok: true, framesChecked: 1500, decoders: ['5.1'] },
    playlists: [
      {
        ...{ ...clean, url: '', channelId: 'ch-1', rendition: '180p', checkedBy: 'stamp' },
        ...{ firstGop: 0, lastGop: 29, framesChecked: 1500, problems: [] },
      },
    ],
  },
  moves: [OPERATOR, PROACTIVE, RECOVERY],
  scenario: {
    operatorHandoff: { channelId: 'ch-1', toEncoderId: 'enc-2' },
    kill: { encoderId: 'enc-1', pid: 1, atMs: 0, channels: ['ch-1'] },
  },
  channelIds: ['ch-1'],
  onAir: ['ch-1'],
  firstGops: [{ channelId: 'ch-1', gop: 0, publishedAtMs: 5_000 }],
  startedAtMs: 1_000,
  startSeconds: 3,
  durationSeconds: 60,
  cpuCoresMean: 0.61,
  seed: 7,
  ...options,
});

test('a run with all three events and every frame passes', () => {
  const report = makeRunReport(facts());
  expect(report).toMatchObject({
    ...{ ok: true, faults: [], handoffs: 2, proactiveHandoffs: 1, operatorHandoffs: 1, recoveries: 1 },
    ...{ framesChecked: 1500, cpuCoresMean: 0.61, firstGopSeconds: { 'ch-1': 4 } },
  });
  expect(reportInWords(report)).toContain('every frame exactly once');
});

test.each<[string, Partial<RunFacts>, string]>([
  ['no proactive handoff', { moves: [OPERATOR, RECOVERY] }, 'the planner made no proactive handoff'],
  ['no operator’s handoff', { moves: [PROACTIVE, RECOVERY] }, "no operator's handoff was completed"],
  [
    'a proactive handoff that was compensated',
    { moves: [OPERATOR, RECOVERY, move({ reason: 'predicted-overload', outcome: 'compensated' })] },
    'the planner made no proactive handoff',
  ],
  ['no recovery', { moves: [OPERATOR, PROACTIVE] }, 'no channel was recovered'],
  [
    'a start that is no recovery',
    { moves: [OPERATOR, PROACTIVE, move({ kind: 'recovery', reason: 'start', outcome: 'recovered' })] },
    'no channel was recovered',
  ],
  ['no kill', { scenario: { operatorHandoff: null, kill: null } }, 'no encoder was killed'],
  ['a channel off air', { onAir: [] }, 'ch-1 is off air at the end'],
  [
    'a channel that nobody saw',
    { channelIds: ['ch-1', 'ch-2'], onAir: ['ch-1', 'ch-2'] },
    'no frame of ch-2',
  ],
  [
    'a lost frame',
    {
      verified: {
        ...facts().verified,
        ...{ ok: false, framesLost: 1 },
        playlists: [{ ...facts().verified.playlists[0]!, framesLost: 1, problems: ['frame 7 is lost'] }],
      },
    },
    'ch-1 180p: frame 7 is lost',
  ],
])('%s fails the run', (_, options, fault) => {
  const report = makeRunReport(facts(options));
  expect(report.ok).toBe(false);
  expect(report.faults.join('; ')).toContain(fault);
  expect(reportInWords(report)).toContain('the run failed');
});
