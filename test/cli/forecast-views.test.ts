import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningApi } from '../../src/api/server';
import type { FakeSwarm } from '../api/fake-swarm';
import { startFakeApi } from '../api/running-api';
import { runCli, type CliRun } from './run-cli';

let api: RunningApi & { swarm: FakeSwarm };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swarm-cli-'));
  api = await startFakeApi();
});
afterEach(async () => {
  await api.stop();
  await rm(folder, { recursive: true, force: true });
});

const run = (...args: string[]): Promise<CliRun> => runCli(args, { env: { SWARM_API_URL: api.url } });
const file = async (name: string, lines: string[]): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, lines.join('\n'));
  return path;
};
const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();

describe('forecast', () => {
  test('--plot draws past and curve with both axes; without it a table; --json the numbers', async () => {
    const [plotted, listed, json] = await Promise.all([
      run('forecast', 'ch-1', '--plot'),
      run('forecast', 'eu'),
      run('forecast', 'enc-1', '--json'),
    ]);
    expect(plotted).toMatchObject({ code: 0, stderr: '' });
    expect(plotted.stdout).toMatch(/^ch-1: viewers, forecast fc-1732300000 \(seasonal-naive\)/);
    const rows = plotted.stdout.split('\n').filter((line) => /[┤┼]/.test(line));
    expect(rows.length).toBe(15);
    expect(rows.at(-1)).toMatch(/^ +0\.00 ┼/);
    for (const line of ['─', '━', '·']) expect(rows.join('')).toContain(line);
    expect(plotted.stdout).toMatch(/\n +\d\d:\d\d:\d\d +now +\d\d:\d\d:\d\d\n/);
    for (const line of rows) expect(line.length).toBeLessThanOrEqual(80);
    expect(listed.stdout).toMatch(/UNTIL +P10 +P50 +P90\n +\d\d:\d\d:\d\d +0\.40 +0\.50 +0\.65\n/);
    expect(JSON.parse(json.stdout)).toMatchObject({ id: 'enc-1', kind: 'encoder', stepSeconds: 5 });
  });

  test('score: a table per series and steps ahead, drift named; --json', async () => {
    api.swarm.learned = [
      {
        ...{ kind: 'viewers', id: 'ch-2', lead: 8, targetMs: Date.now() - 5_000 },
        ...{ widthLow: 1, widthHigh: 2.4, shift: 0, tooLow: 0, tooHigh: 0, alarmSteps: 20 },
      },
    ];
    const [told, json, status] = await Promise.all([
      run('forecast', 'score'),
      run('forecast', 'score', '--steps', '24', '--json'),
      run('status'),
    ]);
    expect(told).toMatchObject({ code: 0, stderr: '' });
    expect(told.stdout).toMatch(/ch-1 +1 +160 +12\.5 +0\.61 +79 % +11 % +-3\.5000 +-1\.0 \+1\.2 +no\n/);
    expect(told.stdout).toMatch(/ch-2 +8 .*DRIFT\n/);
    expect(JSON.parse(json.stdout)).toMatchObject({ model: 'seasonal-naive', errorCorrelation: 0.5 });
    expect(status.stdout).toContain('! Forecasts of the viewers of ch-2 drift');
  });

  test('what-if: both encoders before and then, and nothing changes', async () => {
    const before = api.swarm.snapshot();
    const told = await run('forecast', 'what-if', 'ch-1', 'enc-3');
    expect(told).toMatchObject({ code: 0, stderr: '' });
    expect(told.stdout).toMatch(/enc-1 +ch-2, ch-3 +\d\.\d\d +\d\.\d\d +\d\.\d\d +4\.80 +yes/);
    expect(told.stdout).toMatch(/enc-3 +ch-1, ch-6 /);
    expect((await run('forecast', 'what-if', 'ch-1', 'enc-1')).stdout).toContain('nothing would change');
    expect(api.swarm.snapshot()).toBe(before);
  });

  test.each([
    [['forecast', 'nobody'], 1, 'There is no channel, encoder or region nobody.'],
    [['forecast', 'what-if', 'ch-9', 'enc-1'], 1, 'There is no channel ch-9.'],
    [['forecast', 'what-if', 'ch-1', 'enc-9'], 1, 'There is no encoder enc-9.'],
    [['forecast', 'score', '--steps', '0'], 2, 'Write a whole number from 1 to 10000.'],
    [['forecast', 'what-if', 'ch-1'], 2, "missing required argument 'encoder'"],
  ])('refused: %j', async (args, code, cause) => {
    const told = await run(...args);
    expect(told).toMatchObject({ code, stdout: '' });
    expect(told.stderr).toContain(cause);
  });
});

test('event: added, listed, replaced, removed', async () => {
  const added = await run(
    ...['event', 'add', 'final', '--title', 'Cup final', '--channel', 'ch-1', 'ch-2', '--level', '2'],
    ...['--from', hoursAgo(-1), '--to', hoursAgo(-3)],
  );
  expect(added).toMatchObject({ code: 0, stderr: '' });
  expect(api.swarm.events.get('final')).toMatchObject({ channelIds: ['ch-1', 'ch-2'], level: 2 });
  expect((await run('event', 'list')).stdout).toMatch(/final +Cup final +20.*Z +20.*Z +2 +ch-1, ch-2/);
  expect((await run('event', 'remove', 'final')).stdout).toBe('final is removed.\n');
  expect(api.swarm.events.size).toBe(0);
});

test.each([
  [['add', 'final', '--from', '2026-12-01T19:00:00', '--to', hoursAgo(-3)], 2, 'Write a time like'],
  [['add', 'final', '--from', hoursAgo(-3), '--to', hoursAgo(-1)], 1, 'endsAtMs: must be after startsAtMs'],
  [['add', 'final', '--from', hoursAgo(-1), '--to', hoursAgo(-2), '--level', '0'], 2, 'above 0'],
  [['remove', 'nothing'], 1, 'There is no event nothing.'],
])('event refused: %j', async (args, code, cause) => {
  const told = await run('event', ...args);
  expect(told).toMatchObject({ code, stdout: '' });
  expect(told.stderr).toContain(cause);
  expect(api.swarm.events.size).toBe(0);
});

describe('history import', () => {
  test('counts what it wrote; --dry-run writes nothing; a trace needs --channel', async () => {
    const path = await file('audience.csv', [
      'timestamp,channel,viewers,region',
      `${hoursAgo(3)},ch-1,100,eu`,
      `${hoursAgo(2)},ch-1,1.5e2,`,
      `${hoursAgo(1)},ch-2,0,us`,
      '',
    ]);
    const dry = await run('history', 'import', path, '--dry-run');
    expect(dry).toMatchObject({ code: 0, stderr: '' });
    expect(dry.stdout).toContain('3 rows, every line is good. Nothing was written');
    expect(api.swarm.imported).toEqual([]);
    const done = await run('history', 'import', path, '--json');
    expect(JSON.parse(done.stdout)).toMatchObject({ rows: 3, written: 3, tooOld: 0, dryRun: false });
    // A row without a region gets its channel's.
    expect(api.swarm.imported.map((r) => [r.channelId, r.viewers, r.region])).toEqual([
      ['ch-1', 100, 'eu'],
      ['ch-1', 150, 'eu'],
      ['ch-2', 0, 'us'],
    ]);
  });

  test('many rows go in batches; a trace of another year is moved by whole weeks, what is too old is counted', async () => {
    const firstMs = Date.parse('2015-02-01T00:00:00Z');
    const rows = Array.from(
      { length: 12_000 },
      (_, i) => `${new Date(firstMs + i * 300_000).toISOString().slice(0, 19).replace('T', ' ')},${i}`,
    );
    const path = await file('trace.csv', ['timestamp,value', ...rows]);
    const old = await run('history', 'import', path, '--channel', 'ch-3');
    expect(old).toMatchObject({ code: 1, stdout: '' });
    expect(old.stderr).toContain('every row is older than the 30 days that are kept');
    expect(old.stderr).toContain('--shift');
    const { stdout } = await run('history', 'import', path, '--channel', 'ch-3', '--shift', '--json');
    const done = JSON.parse(stdout) as { rows: number; written: number; tooOld: number };
    expect(done.rows).toBe(12_000);
    expect(done.written).toBe(12_000 - done.tooOld);
    expect(done.tooOld).toBeGreaterThan(3_000);
    expect(api.swarm.imported).toHaveLength(done.written);
    const newest = api.swarm.imported.at(-1)!;
    expect(Date.now() - newest.atMs).toBeLessThan(7 * 86_400_000);
    expect((newest.atMs - firstMs - 11_999 * 300_000) % (7 * 86_400_000)).toBe(0);
  });

  test('a bad line: refused with its number, and nothing is imported', async () => {
    const lines = ['timestamp,channel,viewers', `${hoursAgo(1)},ch-1,5`, `${hoursAgo(1)},ch-1,-5`];
    const told = await run('history', 'import', await file('bad.csv', lines));
    expect(told).toMatchObject({ code: 1, stdout: '' });
    expect(told.stderr).toContain('line 3: viewers "-5" is not a number from 0 to 1e12');
    expect(told.stderr).toContain('Hint: ');
    expect(api.swarm.imported).toEqual([]);
  });

  test('what a file has that is easily overlooked is said: rows twice, local times, channels that are none, a past too long ago', async () => {
    const local = hoursAgo(0.1).slice(0, 19).replace('T', ' ');
    const path = await file('twice.csv', [
      'timestamp;channel;viewers',
      `${local};ch-1;100`,
      `${local};ch-1;300`,
      `${hoursAgo(30)};old1;50`,
    ]);
    const told = await run('history', 'import', path);
    expect(told).toMatchObject({ code: 0, stderr: '' });
    expect(told.stdout).toContain('2 of 3 rows');
    expect(told.stdout).toContain('! 1 row is there again with the same time, channel and region');
    expect(told.stdout).toContain('! The times of 2 rows say no offset: they were read as UTC.');
    expect(told.stdout).toContain('! No channel of the swarm: old1.');
    // 21 days of 24 steps of 5 s are 42 minutes.
    expect(told.stdout).toContain('! 1 row is from before 20');
    expect(told.stdout).toContain('SWARM_STEP_SECONDS');
    expect(api.swarm.imported.map((r) => [r.channelId, r.viewers])).toEqual([
      ['ch-1', 300],
      ['old1', 50],
    ]);
    const dry = await run('history', 'import', path, '--dry-run', '--json');
    expect(JSON.parse(dry.stdout)).toMatchObject({
      ...{ written: 0, repeated: 1, withoutOffset: 2, tooEarlyToCount: 1, unknownChannels: ['old1'] },
    });
    expect(api.swarm.imported).toHaveLength(2);
  });

  test('UTF-16, as a spreadsheet saves it, is read; --dry-run needs no swarm', async () => {
    const path = join(folder, 'utf16.csv');
    const text = `\ufefftimestamp\tchannel\tviewers\r\n${hoursAgo(0.1)}\tch-1\t7\r\n`;
    await writeFile(path, Buffer.from(text, 'utf16le'));
    expect((await run('history', 'import', path)).stdout).toContain('1 of 1 rows');
    expect(api.swarm.imported).toMatchObject([{ channelId: 'ch-1', viewers: 7 }]);
    const swapped = Buffer.from(text, 'utf16le').swap16();
    // The byte order mark may be missing.
    for (const bytes of [swapped, swapped.subarray(2), Buffer.from(text.slice(1), 'utf16le')]) {
      await writeFile(path, bytes);
      expect((await run('history', 'import', path, '--dry-run')).stdout).toContain('every line is good');
    }
    await api.stop();
    expect((await run('history', 'import', path, '--dry-run')).stdout).toContain('every line is good');
    api = await startFakeApi();
  });

  test.each([
    ['timestamp,channel,viewers,viewers', 'T,ch-1,3,4', 'has the column viewers twice'],
    ['timestamp,channel,viewers,value', 'T,ch-1,3,4', 'both a column viewers and a column value'],
    ['timestamp,channel,viewers', '2026-01-02,ch-1,3', 'has no time of day'],
    ['timestamp,channel,viewers', 'T,ch-1,\u001b[2J3', 'it is no text'],
  ])('a file that may mean something else is refused in words: %s, %s', async (header, row, words) => {
    const path = await file('odd.csv', [header, row.replace('T', hoursAgo(0.1))]);
    const { stderr, code } = await run('history', 'import', path);
    expect(stderr).toContain(words);
    expect(stderr).not.toContain('\u001b[2J');
    expect(code).toBe(1);
    expect(api.swarm.imported).toEqual([]);
  });

  test('a time without an offset that lies ahead is said to have been read as UTC', async () => {
    const local = hoursAgo(-9).slice(0, 19).replace('T', ' ');
    const path = await file('tokyo.csv', ['timestamp,channel,viewers', `${local},ch-1,5`]);
    expect((await run('history', 'import', path)).stderr).toContain('says no offset, and was read as UTC');
  });

  test('the future: refused', async () => {
    const lines = ['timestamp,channel,viewers', `${hoursAgo(1)},ch-1,5`, `${hoursAgo(-1)},ch-1,5`];
    const told = await run('history', 'import', await file('bad.csv', lines));
    expect(told.stderr).toContain('data row 2');
    expect(told.stderr).toContain('lies in the future');
    expect(api.swarm.imported).toEqual([]);
  });

  test('a database that is away: refused, and what was written is said', async () => {
    api.swarm.silent.add('influxdb');
    const path = await file('audience.csv', ['timestamp,channel,viewers', `${hoursAgo(1)},ch-1,5`]);
    const told = await run('history', 'import', path);
    expect(told).toMatchObject({ code: 1, stdout: '' });
    expect(told.stderr).toContain("influxdb can't be reached");
    expect(await run('history', 'import', join(folder, 'none.csv'))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("can't be read"),
    });
  });
});
