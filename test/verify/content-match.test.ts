import { seededRandom } from '../../src/domain/seeded-random';
import {
  THUMBNAIL_HEIGHT_PX,
  THUMBNAIL_WIDTH_PX,
  matchByContent,
  type Thumbnail,
} from '../../src/verify/content-match';

const FRAMES = 100;
const clock = { frameTicks: 3_600, framesPerGop: 25 };
const PIXELS = THUMBNAIL_WIDTH_PX * THUMBNAIL_HEIGHT_PX;

/** A square that moves by a pixel each picture, over a gradient. */
const draw = (frame: number): Uint8Array =>
  Uint8Array.from({ length: PIXELS }, (_, i) => {
    const [x, y] = [i % THUMBNAIL_WIDTH_PX, Math.floor(i / THUMBNAIL_WIDTH_PX)];
    const left = frame % (THUMBNAIL_WIDTH_PX - 8);
    return x >= left && x < left + 8 && y >= 20 && y < 28 ? 200 : 60 + x;
  });

const sent: Thumbnail[] = Array.from({ length: FRAMES }, (_, n) => ({ ptsTicks: n * 3_600, luma: draw(n) }));

/** As an encoder would leave it: with noise, and darker and flatter. */
const encoded = (luma: Uint8Array, seed: number): Uint8Array => {
  const random = seededRandom(seed);
  return luma.map((value) => 0.9 * value + 10 + (random() - 0.5) * 8);
};
/** The pictures `contents`, each shown at the time of its place in the list. */
const publish = (contents: readonly number[], drawn = draw): Thumbnail[] =>
  contents.map((content, place) => ({ ptsTicks: place * 3_600, luma: encoded(drawn(content), place) }));
const inOrder = Array.from({ length: FRAMES }, (_, n) => n);
const counters = (published: readonly Thumbnail[]): (number | null)[] =>
  matchByContent(published, sent, clock).shown.map(({ counter }) => counter);

test('pictures in their places are what they are, whatever noise and brightness', () => {
  expect(matchByContent(publish(inOrder), sent, clock)).toEqual({
    ...{ compared: FRAMES, alike: 0 },
    shown: inOrder.map((n) => ({ counter: n, place: n })),
  });
});

test.each([
  ['one frozen', inOrder.with(40, 39)],
  ['a second frozen', inOrder.map((n) => (n >= 40 && n < 65 ? 40 : n))],
  ['two exchanged', inOrder.with(40, 41).with(41, 40)],
  ['from a GOP before', inOrder.map((n) => (n >= 50 && n < 75 ? n - 25 : n))],
])('%s: told by content, though all are on time', (_, contents) => {
  expect(counters(publish(contents))).toEqual(contents);
});

test('a foreign picture proves nothing', () => {
  const published = publish(inOrder, (n) =>
    n === 30 ? draw(n).map((value, i) => (i % 2 ? value : 255 - value)) : draw(n),
  );
  const { shown } = matchByContent(published, sent, clock);
  expect(shown[30]).toEqual({ counter: null, place: 30, fault: 'not a picture of the contribution' });
  expect(shown.filter(({ counter }) => counter === null)).toHaveLength(1);
});

test('pictures that stand still are told by their times, and counted', () => {
  const still = sent.map(({ ptsTicks }) => ({ ptsTicks, luma: draw(0) }));
  const match = matchByContent(
    publish(inOrder, () => draw(0)),
    still,
    clock,
  );
  expect(match).toMatchObject({ compared: FRAMES, alike: FRAMES });
  expect(match.shown.map(({ counter }) => counter)).toEqual(inOrder);
});

test('what the relay keeps no more is told by its time, and not counted as compared', () => {
  const match = matchByContent(publish(inOrder), sent.slice(60), clock);
  expect(match.compared).toBe(40);
  expect(match.shown.map(({ counter }) => counter)).toEqual(inOrder);
});

test('a picture between two frames of the clock is none of them', () => {
  const published = publish(inOrder);
  published[10] = { ...published[10]!, ptsTicks: 10 * 3_600 + 1_800 };
  expect(matchByContent(published, sent, clock).shown[10]).toMatchObject({ counter: null });
});
