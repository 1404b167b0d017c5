import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { ladderFileOf, parseLadder, readLadder } from '../../src/cli/ladder-file';
import { LADDER_PRESETS, SwarmError, ladderPresetNames } from '../../src/domain';

const GOOD = `# two rungs
renditions:
  - name: 360p
    widthPx: 640
    heightPx: 360
    crf: 24
    maxBitrateKbps: 1000
  - { name: 720p, widthPx: 1280, heightPx: 720, crf: 23, maxBitrateKbps: 4000, fromViewers: 100, preset: fast }
`;

const refusalOf = (text: string): string => {
  try {
    parseLadder('mine.yaml', text);
  } catch (error) {
    if (error instanceof SwarmError) return `${error.code}: ${error.message}`;
  }
  throw new Error('It was not refused.');
};

test('YAML and JSON say the same', () => {
  const ladder = parseLadder('mine.yaml', GOOD);
  expect(ladder).toMatchObject({
    ladder: [{ name: '360p' }, { name: '720p', preset: 'fast' }],
    viewersPerRung: [100],
  });
  expect(parseLadder('mine.json', JSON.stringify(ladderFileOf(ladder)))).toEqual(ladder);
});

test.each(ladderPresetNames)('the preset %s, printed, is read as it was', async (name) => {
  const ladder = await readLadder(name);
  expect(ladder).toEqual(LADDER_PRESETS[name]);
  expect(parseLadder('printed', stringify(ladderFileOf(ladder)))).toEqual(ladder);
});

test.each([
  [
    'a value out of range',
    GOOD.replace('crf: 24', 'crf: 99'),
    /line 6, renditions\[0\]\.crf: 99 is wrong \(.*51/,
  ],
  [
    'an odd size',
    GOOD.replace('1280', '1281'),
    /line 8, renditions\[1\]\.widthPx: 1281 is wrong \(.*multiple of 2/,
  ],
  [
    'a preset that is none',
    GOOD.replace('fast', 'placebo'),
    /renditions\[1\]\.preset: "placebo" is wrong \(.*"superfast"/,
  ],
  [
    'a missing field',
    GOOD.replace('    crf: 24\n', ''),
    /line 3, renditions\[0\]\.crf: missing \(.*expected number/,
  ],
  ['a field that is none', GOOD.replace('crf: 24', 'crv: 24'), /renditions\[0\].*"crv"/],
  [
    'two rungs of one name',
    GOOD.replace('720p', '360p'),
    /line 8, renditions\[1\]\.name: "360p" is wrong \(rung 1 is called 360p too/,
  ],
  ['an empty file', '', /mine\.yaml is no ladder: line 1, file/],
  ['text', 'hello', /line 1, file: "hello" is wrong/],
  ['what is not YAML', 'renditions: [', /mine\.yaml is no ladder: .*line 1/],
  ['a key twice', 'renditions: []\nrenditions: []', /unique.*line 2/],
  ['an alias to nothing', 'renditions: *gone', /gone/],
])('%s is named with its line', (_what, text, message) => {
  expect(refusalOf(text)).toMatch(message);
});

test('what grows beyond all bounds is refused', () => {
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]'];
  for (const [name, before] of ['ba', 'cb', 'dc', 'ed', 'fe'])
    bomb.push(`${name}: &${name} [${`*${before},`.repeat(9)}]`);
  expect(() => parseLadder('bomb.yaml', bomb.join('\n'))).toThrow(/bomb\.yaml is no ladder/);
});

test('a name that is neither file nor preset is refused with what there is', async () => {
  await expect(readLadder('8k')).rejects.toMatchObject({
    code: 'not-found',
    hint: expect.stringContaining('small, sd, 720p, 1080p'),
  });
  const folder = await mkdtemp(join(tmpdir(), 'ladder-'));
  try {
    const large = join(folder, 'large.yaml');
    await writeFile(large, '#'.repeat(70_000));
    await expect(readLadder(large)).rejects.toMatchObject({
      message: expect.stringContaining('70000 bytes'),
    });
    await expect(readLadder(folder)).rejects.toMatchObject({ code: 'not-found' });
    const mine = join(folder, 'mine.yaml');
    await writeFile(mine, GOOD);
    expect(await readLadder(mine)).toMatchObject({ viewersPerRung: [100] });
  } finally {
    await rm(folder, { recursive: true });
  }
});
