import { renditionUnits, x264PresetSchema, type Rendition } from '../../src/domain';

const rendition = (widthPx: number, heightPx: number, over: Partial<Rendition> = {}): Rendition => ({
  ...{ name: 'r', widthPx, heightPx, crf: 24, maxBitrateKbps: 1_000 },
  ...over,
});

test.each([
  [320, 180, 25, 1],
  [320, 180, 50, 2],
  [640, 360, 25, 4],
  [1280, 720, 25, 16],
  [1920, 1080, 50, 72],
])('%d x %d at %d frames/s costs %d units', (widthPx, heightPx, rate, units) => {
  expect(renditionUnits(rendition(widthPx, heightPx), rate)).toBeCloseTo(units, 10);
});

test('a slower preset costs more, and none less than the default one', () => {
  const units = x264PresetSchema.options.map((preset) => renditionUnits(rendition(640, 360, { preset }), 25));
  expect(units).toEqual([...units].sort((a, b) => a - b));
  expect(units[0]).toBe(renditionUnits(rendition(640, 360), 25));
  expect(units.at(-1)).toBe(12);
});
