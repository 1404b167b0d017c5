import {
  channelSpecSchema,
  channelWithDefaults,
  defaultGopTicks,
  framesIn,
  framesPerSecondOf,
  frameRateSchema,
  ladderUnits,
  rateForFfmpeg,
  rateInWords,
  ticksOf,
  wholeFramesNear,
  type FrameRate,
} from '../../src/domain';

test.each<[string | number, FrameRate]>([
  [25, 25],
  [1, 1],
  [120, 120],
  ['50/1', 50],
  ['50/2', 25],
  ['30000/1001', '30000/1001'],
  ['60000/2002', '30000/1001'],
  ['120000/1001', '120000/1001'],
  ['25/2', '25/2'],
])('%p is taken as %p', (given, rate) => {
  expect(frameRateSchema.parse(given)).toBe(rate);
  // What is written is read back as it is.
  expect(frameRateSchema.parse(JSON.parse(JSON.stringify(rate)))).toBe(rate);
});

test.each([
  ...[0, -25, 121, 29.97, NaN, '25', '29.97', '30000/0', '0/1001', '1/2', '121/1', '30000/1001 '],
  ...['-30000/1001', '030/1', '1e4/1001', '300000/10001', '', '30000:1001', null, undefined, [30000, 1001]],
])('%p is refused, with what is right', (given) => {
  const parsed = frameRateSchema.safeParse(given);
  expect(parsed.error?.issues.map(({ message }) => message)).toEqual([
    expect.stringContaining('a whole number from 1 to 120, or a fraction as text, such as "30000/1001"'),
  ]);
});

test('the specification of a channel names the field at fault', () => {
  const given = { ...channelWithDefaults('ch-1'), framesPerSecond: 29.97 };
  expect(channelSpecSchema.safeParse(given).error?.issues).toMatchObject([{ path: ['framesPerSecond'] }]);
});

test('a channel of an earlier version, of a whole number, is read as it was', () => {
  const kept = { ...channelWithDefaults('ch-1'), framesPerSecond: 25 };
  expect(channelSpecSchema.parse(kept)).toEqual(kept);
});

test.each<[FrameRate, number, string, string]>([
  [25, 25, '25 frames/s', '25'],
  ['30000/1001', 30_000 / 1001, '29.97 frames/s', '30000/1001'],
  ['24000/1001', 24_000 / 1001, '23.976 frames/s', '24000/1001'],
  ['60000/1001', 60_000 / 1001, '59.94 frames/s', '60000/1001'],
])('%p is %d frames a second: %s, for ffmpeg %s', (rate, framesPerSecond, words, forFfmpeg) => {
  expect(framesPerSecondOf(rate)).toBe(framesPerSecond);
  expect(rateInWords(rate)).toBe(words);
  expect(rateForFfmpeg(rate)).toBe(forFfmpeg);
});

test('frames and spans of time are exact where they are whole, for hours', () => {
  expect(framesIn(25, 180_000)).toBe(50);
  expect(framesIn('30000/1001', 180_180)).toBe(60);
  expect(framesIn('30000/1001', 180_180 * 5_000)).toBe(300_000);
  expect(framesIn('30000/1001', 180_000)).toBeCloseTo(59.94, 2);
  expect(framesIn('24000/1001', 15_015)).toBe(4);
  expect(ticksOf(60, '30000/1001')).toBe(180_180);
  expect(ticksOf(1, '24000/1001')).toBe(3_753.75);
});

test.each<[FrameRate, number]>([
  [25, 180_000],
  [7, 180_000],
  [119, 180_000],
  ['30000/1001', 180_180],
  ['60000/1001', 180_180],
  ['24000/1001', 180_180],
  ['25/2', 180_000],
])('a GOP of about 2 s at %p is %d ticks: whole frames', (rate, ticks) => {
  expect(defaultGopTicks(rate)).toBe(ticks);
  expect(Number.isInteger(framesIn(rate, ticks))).toBe(true);
});

test('a rate that has whole frames nowhere near has none, and 2 s by default', () => {
  expect(wholeFramesNear('2469/200', 180_000)).toBeNull();
  expect(defaultGopTicks('2469/200')).toBe(180_000);
});

test('encode units follow the exact rate', () => {
  const rendition = { name: '180p', widthPx: 320, heightPx: 180, crf: 26, maxBitrateKbps: 400 };
  expect(ladderUnits([rendition], '30000/1001')).toBeCloseTo(1.1988, 4);
});
