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
  picturesKept,
  renditionRate,
  renditionSchema,
  renditionUnits,
  requireEncodable,
  requireLadder,
  type ChannelSpec,
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
  [{ renditions: [r('a', { pixelFormat: 'yuv422p10le' })] }, ['renditions', 0, 'pixelFormat']],
  [{ renditions: [r('a', { frameRateDivisor: 4 })] }, ['renditions', 0, 'frameRateDivisor']],
  [{ renditions: [r('a', { level: 4.5 })] }, ['renditions', 0, 'level']],
  [{ renditions: [r('a', { bitrate: 400 })] }, ['renditions', 0]],
  [{ renditions: [r('a'), r('b'), r('a')] }, ['renditions', 2, 'name']],
  [{ renditions: [r('a', { fromViewers: 1 })] }, ['renditions', 0, 'fromViewers']],
  [{ renditions: [r('a'), r('b', { fromViewers: 9 }), r('c')] }, ['renditions', 2, 'fromViewers']],
  [{ rungs: [] }, ['renditions']],
])('%j is refused at %j', (file, path) => {
  const issues = ladderFileSchema.safeParse(file).error?.issues ?? [];
  expect(issues.map((issue) => issue.path)).toContainEqual(path);
});

const { crf: _, ...WITHOUT_CRF } = r('a');

test.each<[object, string, RegExp]>([
  [
    r('a', { codec: 'libsvtav1' }),
    'codec',
    /MPEG-TS, which has no mapping for AV1 that players read.*use libx264 or/,
  ],
  [WITHOUT_CRF, 'crf', /expected number, as rateControl is crf/],
  [r('a', { rateControl: 'cbr' }), 'crf', /rateControl cbr goes by bit rate: leave it out/],
  [{ ...WITHOUT_CRF, rateControl: 'vbr' }, 'bitrateKbps', /expected number, as rateControl is vbr/],
  [{ ...WITHOUT_CRF, rateControl: 'vbr', bitrateKbps: 401 }, 'bitrateKbps', /at most maxBitrateKbps, 400/],
  [{ ...WITHOUT_CRF, rateControl: 'cbr', bitrateKbps: 400 }, 'bitrateKbps', /its rate is maxBitrateKbps/],
  [r('a', { bitrateKbps: 300 }), 'bitrateKbps', /rateControl crf has no mean/],
  [r('a', { crf: 0 }), 'crf', /libx264 is lossless at 0/],
  [r('a', { codec: 'libx265', profile: 'high' }), 'profile', /libx265 has main, main10/],
  [r('a', { profile: 'main10' }), 'profile', /libx264 has main, baseline, high, high10/],
  [r('a', { profile: 'high10' }), 'profile', /high10 is for pixelFormat yuv420p10le, not yuv420p/],
  [r('a', { profile: 'main', pixelFormat: 'yuv420p10le' }), 'profile', /main is for pixelFormat yuv420p,/],
  [r('a', { level: 6 }), 'level', /libx264 has 3, 3\.1, .*5\.2/],
  [r('a', { codec: 'libx265', level: 4.2 }), 'level', /libx265 has 3, 3\.1, 4, 4\.1, 5/],
])('%j does not go together: %s is named', (rendition, field, message) => {
  for (const [schema, given, path] of [
    [ladderFileSchema, { renditions: [rendition] }, ['renditions', 0, field]],
    [renditionSchema, rendition, [field]],
  ] as const) {
    const issues = schema.safeParse(given).error?.issues ?? [];
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatchObject({ path, message: expect.stringMatching(message) });
  }
});

test.each<[object, Partial<ChannelSpec>, RegExp | null]>([
  [{ level: 3 }, {}, null],
  [{ level: 3, widthPx: 1280, heightPx: 720 }, {}, /does not fit in H\.264 level 3\.0: it needs 3\.1/],
  [{ level: 3.1, widthPx: 1280, heightPx: 720, frameRateDivisor: 2 }, { framesPerSecond: 60 }, null],
  [{ widthPx: 7680, heightPx: 4320 }, {}, /beyond H\.264 level 5\.2/],
  [{ codec: 'libx265', widthPx: 7680, heightPx: 4320 }, {}, null],
  [{ codec: 'libx265', maxBitrateKbps: 90_000, level: 5.2 }, {}, /HEVC level 5\.2: it needs 6\.2/],
  [{ frameRateDivisor: 2 }, {}, null],
  [{ frameRateDivisor: 3 }, {}, /frameRateDivisor 3 does not divide the 50 frames of a GOP/],
  [{ frameRateDivisor: 3 }, { framesPerSecond: '30000/1001', gopDurationTicks: 180_180 }, null],
])('%j of a channel with %j: %s', (change, channel, refusal) => {
  const ladder = [renditionSchema.parse(r('a', change))];
  const check = () => requireEncodable({ ...channelWithDefaults('ch-1'), ladder, ...channel });
  if (refusal) expect(check).toThrow(refusal);
  else expect(check).not.toThrow();
});

test('encode units follow codec, preset, depth and the pictures that a rendition keeps', () => {
  const units = (change: object) => renditionUnits(renditionSchema.parse(r('a', change)), 25);
  expect(units({})).toBe(1);
  expect(units({ preset: 'fast' })).toBeGreaterThan(2);
  expect(units({ frameRateDivisor: 2 })).toBe(0.5);
  expect(units({ codec: 'libx265' })).toBeGreaterThan(2);
  expect(units({ codec: 'libx265', preset: 'fast' })).toBeGreaterThan(units({ codec: 'libx265' }));
  expect(units({ pixelFormat: 'yuv420p10le' })).toBeGreaterThan(1);
});

test('a rendition keeps the first picture of a GOP, and every second or third after it', () => {
  expect(picturesKept([10, 11, 12, 13, 14], 1)).toEqual([10, 11, 12, 13, 14]);
  expect(picturesKept([10, 11, 12, 13, 14], 2)).toEqual([10, 12, 14]);
  expect(picturesKept([10, 11, 12, 13, 14], 3)).toEqual([10, 13]);
  expect(renditionRate({ frameRateDivisor: 2 }, '30000/1001')).toBe('15000/1001');
  expect(renditionRate({ frameRateDivisor: 3 }, 60)).toBe(20);
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
