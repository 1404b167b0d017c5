import { renditionUnits, type Rendition } from '../../src/domain';
import {
  capacityUnitsOf,
  encodeCores,
  interpolated,
  provisionalUnits,
  sessionCores,
  type Measurements,
} from '../../src/media/encoder/benchmark/cost';
import fc from '../support/fast-check';

const rendition = (widthPx: number, heightPx: number, over: Partial<Rendition> = {}): Rendition => ({
  ...{ name: 'r', widthPx, heightPx, crf: 24, maxBitrateKbps: 1_000 },
  ...over,
});
const SMALL = rendition(320, 180);
const MIDDLE = rendition(640, 360);
const LARGE = rendition(1280, 720);
const pixelsPerSecond = ({ widthPx, heightPx }: Rendition): number => widthPx * heightPx * 25;
const work = (r: Rendition, cores: number) => ({ pixelsPerSecond: pixelsPerSecond(r), cores });

const MEASURED: Measurements = {
  encodes: {
    superfast: [work(SMALL, 0.02), work(MIDDLE, 0.07), work(LARGE, 0.25)],
    medium: [work(MIDDLE, 0.21)],
  },
  decodes: [work(SMALL, 0.01), work(MIDDLE, 0.03), work(LARGE, 0.1)],
  deinterlaces: [work(MIDDLE, 0.006)],
};

const contributionOf = (r: Rendition) => ({ ...r, framesPerSecond: 25 });
const alone = (r: Rendition): number =>
  sessionCores({ renditions: [r], framesPerSecond: 25, contribution: contributionOf(r) }, MEASURED);

describe('cores at a size that was not measured', () => {
  const works = MEASURED.encodes.superfast!;

  test.each([
    ['a measured one', MIDDLE, 0.07],
    ['in the middle of two, in logarithms', rendition(640, 180), Math.sqrt(0.02 * 0.07)],
    ['half the smallest', rendition(160, 180), 0.01],
    ['twice the largest', rendition(1280, 1440), 0.5],
  ])('%s', (_, r, cores) => expect(interpolated(works, pixelsPerSecond(r))).toBeCloseTo(cores, 10));

  test('more pixels are never cheaper', () => {
    const pixels = fc.double({ min: 1e3, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(pixels, pixels, (a, b) => {
        const [less, more] = a < b ? [a, b] : [b, a];
        expect(interpolated(works, less)).toBeLessThanOrEqual(interpolated(works, more) * (1 + 1e-9));
      }),
    );
  });
});

test('a preset that was measured at one size follows the curve of the default one', () => {
  expect(encodeCores({ ...MIDDLE, preset: 'medium' }, 25, MEASURED)).toBeCloseTo(0.21, 10);
  expect(encodeCores({ ...LARGE, preset: 'medium' }, 25, MEASURED)).toBeCloseTo(0.75, 10);
  expect(encodeCores({ ...LARGE, preset: 'fast' }, 25, MEASURED)).toBeCloseTo(0.25, 10);
});

test('a session pays for decoding, for its filters once a rendition, and for each encode', () => {
  const session = { renditions: [SMALL, MIDDLE], framesPerSecond: 25, contribution: contributionOf(LARGE) };
  const plain = sessionCores(session, MEASURED);
  expect(plain).toBeGreaterThan(0.1 + 0.02 + 0.07);
  expect(sessionCores({ ...session, contribution: contributionOf(MIDDLE) }, MEASURED)).toBeCloseTo(
    plain - 0.07,
  );
  expect(sessionCores({ ...session, deinterlace: 'frame' }, MEASURED)).toBeCloseTo(plain + 2 * 4 * 0.006);
});

describe('capacity', () => {
  const tried = [SMALL, MIDDLE, LARGE].map((r) => ({ rendition: r, framesPerSecond: 25 }));

  test.each([
    [0.1, 8],
    [0.5, 8],
    [2, 8],
    [2, 100],
    [64, 16],
  ])('%d cores and %d sessions are never filled beyond four fifths', (cores, maxSessions) => {
    const units = capacityUnitsOf(MEASURED, { cores, maxSessions }, tried);
    const kinds = [
      ...tried.map(({ rendition }) => rendition),
      ...[rendition(480, 270), rendition(640, 360, { preset: 'medium' })],
    ];
    const filled = kinds.map((r) => {
      const sessions = Math.min(maxSessions, units / renditionUnits(r, 25));
      return (sessions * alone(r)) / cores;
    });
    expect(Math.max(...filled)).toBeLessThanOrEqual(0.8);
  });

  test('one large session has room where it fits the cores', () => {
    expect(capacityUnitsOf(MEASURED, { cores: 0.9, maxSessions: 2 }, tried)).toBeGreaterThan(16);
  });

  test('it halves where the machine is half as fast, or shared by two', () => {
    const of = (measured: Measurements, cores: number): number =>
      capacityUnitsOf(measured, { cores, maxSessions: 1_000 }, tried);
    expect(Math.abs(of(MEASURED, 4) - of(MEASURED, 8) / 2)).toBeLessThan(0.2);
    const slow = { ...MEASURED, encodes: { superfast: [work(SMALL, 0.04), work(LARGE, 0.9)] } };
    expect(of(slow, 8)).toBeLessThan(0.75 * of(MEASURED, 8));
  });

  test('a guess is there for any host, however small', () => {
    expect(provisionalUnits(2)).toBe(16);
    expect(provisionalUnits(0.001)).toBe(0.1);
  });
});
