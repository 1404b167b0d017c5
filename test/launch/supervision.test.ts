import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { lives } from '../platform/stand-in-part';
import { until } from '../support/until';

const root = resolve(__dirname, '..', '..');
const PORT_BASE = 23_400;
const START_LIMIT_MS = 60_000;

/** The built `npm start`, with what it printed so far. */
class Supervisor {
  output = '';
  readonly ended: Promise<number | null>;

  constructor(readonly process: ChildProcess) {
    for (const stream of [process.stdout!, process.stderr!]) {
      stream.on('data', (chunk) => (this.output += String(chunk)));
    }
    this.ended = once(process, 'close').then(([status]) => status as number | null);
  }

  async says(text: string): Promise<void> {
    await until(`"${text}" in: ${this.output}`, () => this.output.includes(text), START_LIMIT_MS);
  }
}

const supervisors: Supervisor[] = [];
const start = (stateDir: string): Supervisor => {
  const args = [
    '--channels',
    '1',
    '--encoders',
    '1',
    '--port-base',
    String(PORT_BASE),
    '--state-dir',
    stateDir,
  ];
  const supervisor = new Supervisor(
    spawn(process.execPath, ['dist/src/cli/start.js', ...args], { cwd: root }),
  );
  supervisors.push(supervisor);
  return supervisor;
};

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), 'encoder-swarm-supervision-'))));
afterAll(async () => {
  // Where a test failed: SIGINT ends the parts too.
  for (const { process } of supervisors) process.kill('SIGINT');
  await Promise.all(supervisors.map((s) => s.ended));
  await rm(folder, { recursive: true, force: true });
});

const partPids = async (stateDir: string): Promise<Record<string, number>> => {
  const { parts } = JSON.parse(await readFile(join(stateDir, 'run.json'), 'utf8'));
  return Object.fromEntries(
    Object.entries(parts as Record<string, { pid: number }>).map(([name, { pid }]) => [name, pid]),
  );
};

test('a swarm survives its parts, does not outlive its supervisor for long, and ends with Ctrl-C', async () => {
  const stateDir = join(folder, 'state');
  const first = start(stateDir);
  await first.says('on air ');
  await first.says('page ');

  // Neither its state nor its ports are for a second one.
  const rival = start(stateDir);
  expect(await rival.ended).toBe(1);
  expect(rival.output).toContain(`already: process ${first.process.pid}`);
  const neighbour = start(join(folder, 'other'));
  expect(await neighbour.ended).toBe(1);
  expect(neighbour.output).toContain(`port ${PORT_BASE} (api) is taken by process`);

  // A part that dies is started again, and people hear of it.
  process.kill((await partPids(stateDir)).origin!, 'SIGKILL');
  await first.says('origin ended with SIGKILL; starts again');
  await first.says('origin works again');

  // The supervisor itself is killed: the next start ends what it left, and the channel goes on.
  const left = await partPids(stateDir);
  first.process.kill('SIGKILL');
  await first.ended;
  expect(lives(left.relay!)).toBe(true);
  const next = start(stateDir);
  await next.says('ended what an earlier run left');
  await until('the leftovers ended', () => !Object.values(left).some(lives));
  await next.says('page ');

  // Ctrl-C: everything that was started is gone, within the time that a supervisor of servers would give.
  const parts = await partPids(stateDir);
  expect(Object.keys(parts)).toEqual(
    expect.arrayContaining(['temporal', 'influxdb', 'relay', 'enc-1', 'api']),
  );
  const askedAtMs = Date.now();
  next.process.kill('SIGINT');
  expect(await next.ended).toBe(0);
  expect(Date.now() - askedAtMs).toBeLessThan(20_000);
  expect(Object.values(parts).filter(lives)).toEqual([]);
  expect(existsSync(join(stateDir, 'run.json'))).toBe(false);
}, 180_000);

test.each([
  [['--duration', '59s'], 'is no duration of 60 s or more'],
  [['--duration', '60s', '--report', '/nowhere/report.json'], "can't be written"],
  [['--input', 'film=/nowhere.mp4'], 'there is no file /nowhere.mp4'],
  [['--encoders', '0'], 'whole number from 1'],
  [['--port-base', '80'], 'whole number from 1024'],
  [['--unknown'], 'unknown option'],
])('%j is refused before anything is started', async (args, message) => {
  const supervisor = new Supervisor(
    spawn(process.execPath, ['dist/src/cli/start.js', ...args], { cwd: root }),
  );
  expect(await supervisor.ended).toBe(1);
  expect(supervisor.output).toContain(message);
});
