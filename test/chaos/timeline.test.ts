import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ownerships, pauses, timelineText, type Timeline } from '../../bench/chaos/timeline';
import { GOP_MS, entry, injected } from './facts';

const timeline: Timeline = {
  beganAtMs: 0,
  endedAtMs: 60_000,
  title: '1 min of chaos',
  gopMs: GOP_MS,
  faults: [
    injected(),
    injected({ number: 2, kind: 'stop relay', group: 'stop', part: 'relay', endedAtMs: 14_000 }),
  ],
  moves: [],
  ledgers: new Map([
    [
      'ch-1',
      [
        entry(3),
        entry(4),
        entry(5, { seenAtMs: 20_000, encoderId: 'enc-2', token: 2 }),
        entry(6, { seenAtMs: 20_300, encoderId: 'enc-2', token: 2 }),
        entry(7, { gapReason: 'lost', token: 3 }),
      ],
    ],
  ]),
  gaps: [{ channelId: 'ch-1', gop: 7, seenAtMs: 30_000, reason: 'lost', behindGops: 3, justified: false }],
  noticed: [{ encoderId: 'enc-1', evidence: 'it left', atMs: 10_050 }],
  notes: [{ atMs: 13_000, text: 'enc-1 works again' }],
};

test('owners follow each other by token; gaps have none', () => {
  expect(ownerships(timeline)).toEqual([
    { channelId: 'ch-1', encoderId: 'enc-1', token: 1, fromMs: 4_300, toMs: 8_300 },
    { channelId: 'ch-1', encoderId: 'enc-2', token: 2, fromMs: 18_000, toMs: 20_300 },
  ]);
});

test('a pause is told from the last GOP to the next', () => {
  expect(pauses(timeline)[0]).toEqual({ channelId: 'ch-1', fromMs: 8_300, toMs: 20_000 });
});

test('as text: every event in order of time', () => {
  const text = timelineText(timeline);
  expect(
    text
      .split('\n')
      .filter((line) => /^\d\d:/.test(line))
      .map((line) => line.slice(0, 17).trim()),
  ).toEqual([
    '00:10.0  FAULT',
    '00:10.0  FAULT',
    '00:10.1  noticed',
    '00:13.0',
    '00:14.0  over',
    '00:20.0  resumed',
    '00:30.0  GAP',
  ]);
  expect(text).toContain('ch-1 GOP 7 (lost): NOT JUSTIFIED');
});

/** echarts is an ES module, which jest does not load: drawn by a process of its own. */
const drawn = (): string => {
  const root = join(__dirname, '..', '..');
  const script = `
    const { timelineSvg } = require(${JSON.stringify(join(root, 'bench', 'chaos', 'timeline-svg.ts'))});
    const given = ${JSON.stringify({ ...timeline, ledgers: [...timeline.ledgers] })};
    process.stdout.write(timelineSvg({ ...given, ledgers: new Map(given.ledgers) }));`;
  const runner = join(root, 'test', 'origin', 'support', 'run-typescript.cjs');
  return execFileSync(process.execPath, ['-r', runner, '-e', script], { encoding: 'utf8' });
};

test('as SVG: a lane for each channel, encoder and part', () => {
  const svg = drawn();
  expect(svg).toMatch(/^<svg/);
  for (const lane of ['ch-1', 'enc-1', 'enc-2', 'relay', 'SIGKILL']) expect(svg).toContain(`>${lane}</text>`);
});
