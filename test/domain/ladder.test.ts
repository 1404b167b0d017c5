import {
  LADDER_PRESETS,
  alwaysOnRungs,
  channelSpecSchema,
  channelWithDefaults,
  ladderFileSchema,
  ladderFromPicture,
  ladderOf,
  ladderPresetNames,
  ladderUnits,
  requireLadder,
  type FrameRate,
} from '../../src/domain';

test.each(ladderPresetNames)('the preset %s is a ladder that a channel may have', (name) => {
  const spec = { ...channelWithDefaults('ch-1'), ...LADDER_PRESETS[name] };
  expect(channelSpecSchema.parse(spec)).toEqual(spec);
  requireLadder(spec);
  const { ladder } = spec;
  expect(alwaysOnRungs(spec)).toBe(name === 'small' ? 1 : ladder.length);
});

const r = (name: string, more: object = {}) => ({
  ...{ name, widthPx: 320, heightPx: 180, crf: 26, maxBitrateKbps: 400 },
  ...more,
});

test('a file says which rungs are always on air, and which an audience earns', () => {
  const file = {
    renditions: [r('a'), r('b'), r('c', { fromViewers: 500, preset: 'fast', profile: 'high' })],
  };
  const ladder = ladderOf(ladderFileSchema.parse(file));
  expect(ladder.viewersPerRung).toEqual([0, 500]);
  expect(ladder.ladder[2]).toEqual(r('c', { preset: 'fast', profile: 'high' }));
  expect(alwaysOnRungs(ladder)).toBe(2);
});

test.each([
  [{ renditions: [] }, ['renditions']],
  [{ renditions: [r('A')] }, ['renditions', 0, 'name']],
  [{ renditions: [r('a', { crf: 60 })] }, ['renditions', 0, 'crf']],
  [{ renditions: [r('a', { widthPx: 321 })] }, ['renditions', 0, 'widthPx']],
  [{ renditions: [r('a', { preset: 'placebo' })] }, ['renditions', 0, 'preset']],
  [{ renditions: [r('a', { pixelFormat: 'yuv422p10le' })] }, ['renditions', 0]],
  [{ renditions: [r('a'), r('b'), r('a')] }, ['renditions', 2, 'name']],
  [{ renditions: [r('a', { fromViewers: 1 })] }, ['renditions', 0, 'fromViewers']],
  [{ renditions: [r('a'), r('b', { fromViewers: 9 }), r('c')] }, ['renditions', 2, 'fromViewers']],
  [{ rungs: [] }, ['renditions']],
])('%j is refused at %j', (file, path) => {
  const issues = ladderFileSchema.safeParse(file).error?.issues ?? [];
  expect(issues.map((issue) => issue.path)).toContainEqual(path);
});

test('a ladder whose rungs do not go together is refused', () => {
  const ladder = [r('a'), r('b'), r('a')];
  expect(() => requireLadder({ ladder, viewersPerRung: [0, 0] })).toThrow(/Rung 3 .* rung 1 is called a too/);
  expect(() => requireLadder({ ladder: ladder.slice(0, 2), viewersPerRung: [5, 2] })).toThrow(
    /Rung 3 .*viewersPerRung must be at least the 5/,
  );
});

describe('a ladder made from an input', () => {
  const made = (widthPx: number, heightPx: number, rate: FrameRate, limitUnits: number) =>
    ladderFromPicture({ widthPx, heightPx, rate }, limitUnits);
  const sizes = (...given: Parameters<typeof made>) =>
    made(...given).ladder.map((rung) => `${rung.name} ${rung.widthPx}x${rung.heightPx}`);

  test.each<[number, number, FrameRate, number, string[]]>([
    [1280, 720, 25, 30, ['180p 320x180', '360p 640x360', '720p 1280x720']],
    [1280, 720, 25, 18, ['180p 320x180', '720p 1280x720']],
    [1920, 1080, 25, 60, ['270p 480x270', '540p 960x540', '1080p 1920x1080']],
    [320, 180, 25, 4.8, ['180p 320x180']],
    [160, 90, 25, 4.8, ['90p 160x90']],
    // Upright.
    [720, 1280, 25, 30, ['180p 180x320', '360p 360x640', '720p 720x1280']],
    [720, 576, 25, 30, ['144p 180x144', '288p 360x288', '576p 720x576']],
    // Beyond what one encoder carries.
    [1280, 720, 25, 4.8, ['360p 640x360']],
    [1280, 720, 50, 4.8, ['270p 480x270']],
    [1920, 1080, '30000/1001', 4.8, ['360p 640x360']],
    // Beyond H.264.
    [7680, 4320, 60, 10_000, ['1080p 1920x1080', '2160p 3840x2160']],
  ])('of %dx%d at %s, with room for %d units', (widthPx, heightPx, rate, limitUnits, expected) => {
    expect(sizes(widthPx, heightPx, rate, limitUnits).slice(-expected.length)).toEqual(expected);
  });

  test('is of a channel, is always on air, fits one encoder, and is never larger than its input', () => {
    for (const [widthPx, heightPx] of [
      [1920, 1080],
      [854, 480],
      [720, 1280],
      [640, 640],
      [3840, 2160],
    ] as const)
      for (const rate of [25, 50, '60000/1001'] as const)
        for (const limitUnits of [4.8, 20, 100]) {
          const { ladder, viewersPerRung, whole } = made(widthPx, heightPx, rate, limitUnits);
          const spec = { ...channelWithDefaults('ch-1'), ladder, viewersPerRung, framesPerSecond: rate };
          channelSpecSchema.parse(spec);
          requireLadder(spec);
          expect(ladderUnits(ladder, rate)).toBeLessThanOrEqual(limitUnits);
          expect(alwaysOnRungs(spec)).toBe(ladder.length);
          const top = ladder.at(-1)!;
          expect(top.widthPx).toBeLessThanOrEqual(widthPx);
          expect(whole).toBe(top.widthPx === widthPx);
          const bitrates = ladder.map((rung) => rung.maxBitrateKbps);
          expect(bitrates).toEqual([...bitrates].sort((a, b) => a - b));
        }
  });
});
