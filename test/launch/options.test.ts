import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createStartProgram, unitsOfEach, type StartOptions } from '../../src/cli/start-program';
import { channelWithDefaults, seededRandom, shuffled } from '../../src/domain';
import { parseInput, withInputs } from '../../src/launch/channel-inputs';
import { coresOfEach } from '../../src/launch/launch';
import { parseDurationSeconds } from '../../src/platform/duration';

describe('durations', () => {
  test.each([
    ['500ms', 0.5],
    ['30s', 30],
    ['60', 60],
    [' 2m ', 120],
    ['1.5 min', 90],
    ['1h', 3600],
    ['2 days', 172_800],
  ])('"%s" is %d seconds', (text, seconds) => expect(parseDurationSeconds(text)).toBe(seconds));

  test.each(['', ' ', '0s', '-60s', 'a minute', '1m30s', '9 years', `${'9'.repeat(101)}s`, 'NaN', '1e3s'])(
    '"%s" is refused',
    (text) => expect(() => parseDurationSeconds(text)).toThrow('is no duration'),
  );

  test.each(['59s', '0.5m', '59.9'])('"%s" is shorter than a minute', (text) => {
    expect(() => parseDurationSeconds(text, { leastSeconds: 60 })).toThrow('is no duration of 60 s or more');
  });
});

describe('--input', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'encoder-swarm-input-'));
    await writeFile(join(folder, 'clip=1.mp4'), '');
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('a file becomes an absolute path, and may hold "="', async () => {
    const input = await parseInput('news=clip=1.mp4', folder);
    expect(input).toEqual({ channelId: 'news', url: join(folder, 'clip=1.mp4') });
  });

  test('a file may have a colon in its name, as if that were a scheme', async () => {
    await writeFile(join(folder, 'Evening: part 1.mp4'), '');
    const input = await parseInput('news=Evening: part 1.mp4', folder);
    expect(input).toEqual({ channelId: 'news', url: join(folder, 'Evening: part 1.mp4') });
  });

  test('a URL stays as it is', async () => {
    const url = 'http://example.org/live?key=a=b';
    expect(await parseInput(`news=${url}`, folder)).toEqual({ channelId: 'news', url });
  });

  test('@FILE: the URL stands in a file, and no refusal shows what is in it', async () => {
    const url = 'srt://example.org:9000?passphrase=s3cret-of-the-file';
    await writeFile(join(folder, 'sport.url'), `${url}\n`);
    expect(await parseInput('sport=@sport.url', folder)).toEqual({ channelId: 'sport', url });
    await writeFile(join(folder, 'two.url'), `${url} ${url}`);
    await writeFile(join(folder, 'none.url'), '\n');
    for (const name of ['two.url', 'none.url', 'missing.url']) {
      const refusal = await parseInput(`sport=@${name}`, folder).catch((error: unknown) => error);
      expect(refusal).toMatchObject({
        code: 'bad-request',
        message: expect.stringContaining(name) as string,
      });
      expect(String(refusal)).not.toContain('s3cret');
    }
  });

  test.each(['news', 'news=', '=clip=1.mp4', 'News=clip=1.mp4'])('"%s" is malformed', async (text) => {
    await expect(parseInput(text, folder)).rejects.toThrow('malformed');
  });

  test.each(['missing.mp4', '.'])(
    'a file that is not there, and what is none, stop no start: %s',
    async (name) => {
      expect(await parseInput(`news=${name}`, folder)).toEqual({
        channelId: 'news',
        url: join(folder, name),
      });
    },
  );

  test('takes the place of the generated picture of its name, or becomes a channel more', () => {
    const channels = [channelWithDefaults('ch-1'), channelWithDefaults('ch-2')];
    const inputs = [
      { channelId: 'ch-2', url: '/b.mp4' },
      { channelId: 'news', url: '/n.mp4' },
    ];
    expect(withInputs(channels, inputs).map(({ id, input }) => [id, input])).toEqual([
      ['ch-1', { kind: 'generated' }],
      ['ch-2', { kind: 'url', url: '/b.mp4' }],
      ['news', { kind: 'url', url: '/n.mp4' }],
    ]);
  });

  test('a name given twice is refused', () => {
    const twice = [
      { channelId: 'news', url: '/a' },
      { channelId: 'news', url: '/b' },
    ];
    expect(() => withInputs([], twice)).toThrow('given twice');
  });
});

test.each(['', '  '])('--state-dir %j names no folder, and is refused', (folder) => {
  const program = createStartProgram()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  expect(() => program.parse(['--state-dir', folder], { from: 'user' })).toThrow('It names no folder.');
});

test('a seed decides what is chosen', () => {
  const order = (seed: number): number[] => shuffled([1, 2, 3, 4, 5, 6, 7, 8], seededRandom(seed));
  expect(order(7)).toEqual(order(7));
  expect(order(7)).not.toEqual(order(8));
  expect(order(7).sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

describe('encode units of each host', () => {
  const unitsFor = (...args: string[]): number | 'measured' =>
    unitsOfEach(createStartProgram().parse(args, { from: 'user' }).opts<StartOptions>());

  test.each([
    [[], 6],
    [['--input', 'film=film.mp4'], 'measured'],
    [['--input', 'film=film.mp4', '--duration', '60s'], 6],
    [['--encoder-units', 'measured'], 'measured'],
    [['--input', 'film=film.mp4', '--encoder-units', '30'], 30],
  ] as const)('%j: %s', (args, units) => expect(unitsFor(...args)).toBe(units));

  test('hosts share what the other parts of the swarm leave of the machine', () => {
    expect(coresOfEach(3, 8)).toBeCloseTo(2.4);
    expect(coresOfEach(1, 1)).toBe(0.25);
    expect(coresOfEach(2, 1)).toBe(0.125);
  });
});
