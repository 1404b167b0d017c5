import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Measurements } from '../../src/media/encoder/benchmark/cost';
import { MeasuredCapacity } from '../../src/media/encoder/benchmark/host-capacity';
import { detectFfmpeg } from '../../src/media/encoder/ffmpeg-capabilities';
import { quietLog, startHost } from './support/test-host';

const work = [{ pixelsPerSecond: 1_440_000, cores: 0.02 }];
const FAST: Measurements = { encodes: { superfast: work }, decodes: work, deinterlaces: work };

let folder: string;
let measurementsFolder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encoder-swarm-capacity-'));
  measurementsFolder = join(folder, 'measurements');
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const capacityWith = async (
  measure: (signal: AbortSignal) => Promise<Measurements>,
  options: { cores?: number; build?: string } = {},
): Promise<MeasuredCapacity> => {
  const ffmpeg = await detectFfmpeg('ffmpeg');
  return new MeasuredCapacity({
    ...{ measurementsFolder, ffmpeg, log: quietLog, maxSessions: 1_000, cores: options.cores },
    buildDigest: () => Promise.resolve(options.build ?? 'ab12'),
    measure: (_, signal) => measure(signal),
  });
};

const noMeasure = (): Promise<Measurements> => Promise.reject(new Error('measured again'));
const keptFiles = async (): Promise<string[]> =>
  (await readdir(measurementsFolder)).filter((name) => name.endsWith('.json'));

test('hosts that start together measure once, and each has its share', async () => {
  let measured = 0;
  let finish = (_: Measurements): void => undefined;
  const result = new Promise<Measurements>((resolve) => (finish = resolve));
  const measure = (): Promise<Measurements> => {
    measured += 1;
    return result;
  };
  const hosts = await Promise.all([capacityWith(measure, { cores: 2 }), capacityWith(measure, { cores: 1 })]);
  expect(hosts[0].units).toBe(16);
  expect(hosts[0].measured).toBeUndefined();
  finish(FAST);
  await Promise.all(hosts.map((host) => host.settled));
  expect(measured).toBe(1);
  const [two, one] = hosts.map((host) => host.units) as [number, number];
  expect(one).toBeGreaterThan(8);
  expect(Math.abs(two - 2 * one)).toBeLessThan(0.3);
  expect(hosts[0].measured).toMatchObject({ units: two });
  expect(hosts[0].measured!.speeds).toContainEqual(
    expect.objectContaining({ preset: 'superfast', widthPx: 320, pixelsPerCoreSecond: 72e6 }),
  );
});

test('a second start takes what was kept; another build, and a damaged file, are measured', async () => {
  const first = await capacityWith(() => Promise.resolve(FAST));
  await first.settled;
  const again = await capacityWith(noMeasure);
  await again.settled;
  expect(again.measured).toEqual(first.measured);

  const other = await capacityWith(() => Promise.resolve(FAST), { build: 'cd34' });
  await other.settled;
  expect(await keptFiles()).toHaveLength(2);

  for (const name of await keptFiles()) await writeFile(join(measurementsFolder, name), '{"machine":');
  const damaged = await capacityWith(() => Promise.resolve(FAST));
  await damaged.settled;
  expect(damaged.measured?.units).toBe(first.units);
});

test('where nothing can be measured, a guess stays and nothing is kept', async () => {
  const host = await capacityWith(() => Promise.reject(new Error('no such filter')), { cores: 4 });
  await host.settled;
  expect(host).toMatchObject({ units: 32, measured: undefined });
  expect(await keptFiles()).toEqual([]);
});

test('a host that is stopped ends its measurement', async () => {
  const host = await capacityWith(
    (signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  );
  host.stop();
  await host.settled;
  expect(host.measured).toBeUndefined();
});

test('a host measures its ffmpeg with real encodes before it serves, and the next one serves at once', async () => {
  const own = { cores: 1, measurementsFolder };
  const first = await startHost({ capacityUnits: own });
  try {
    // A machine so busy that the measurement is not over when the host serves has it a little later.
    let kept: string[] = [];
    while (kept.length === 0) {
      kept = await keptFiles().catch(() => []);
      if (kept.length === 0) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { capacityUnits, measuredCapacity } = await first.client.describe();
    expect(measuredCapacity).toMatchObject({ units: capacityUnits });
    expect(measuredCapacity!.speeds).toHaveLength(9);
    const path = join(measurementsFolder, kept[0]!);
    const { measurements } = JSON.parse(await readFile(path, 'utf8')) as { measurements: Measurements };
    const { superfast, medium } = measurements.encodes;
    const cores = superfast!.map((w) => w.cores);
    expect(cores).toEqual([...cores].sort((a, b) => a - b));
    expect(medium![0]!.cores).toBeGreaterThan(superfast![1]!.cores);
    expect(measurements.decodes.at(-1)!.cores).toBeLessThan(superfast!.at(-1)!.cores);

    const { mtimeMs } = await stat(path);
    const second = await startHost({ capacityUnits: { ...own, cores: 0.1 } });
    try {
      const { capacityUnits: fewer } = await second.client.describe();
      expect(fewer).toBeLessThan(capacityUnits / 5);
      expect((await stat(path)).mtimeMs).toBe(mtimeMs);
    } finally {
      await second.stop();
    }
  } finally {
    await first.stop();
  }
}, 120_000);
