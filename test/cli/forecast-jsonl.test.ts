import { UnusableInput } from '../../src/cli/failure';
import { forecastJsonl, parseForecastLines } from '../../src/cli/forecast-jsonl';
import { createSeriesForecaster } from '../../src/forecast';
import { fuzz, spoilt, spoiltJson } from '../fuzz/fuzz';
import fc from '../support/fast-check';

const forecaster = createSeriesForecaster();
const good = {
  id: 'a',
  stepSeconds: 3_600,
  start: '2026-10-05T00:00:00Z',
  history: Array.from({ length: 100 }, (_, i) => 50 + (i % 24)),
  horizon: 3,
};
const line = (options: object = {}): string => JSON.stringify({ ...good, ...options });
type Answer = { id: string; p10: number[]; p50: number[]; p90: number[] };
const answersOf = (text: string): Answer[] =>
  forecastJsonl(text, forecaster)
    .trim()
    .split('\n')
    .map((answer) => JSON.parse(answer) as Answer);

test('one answer a line, in the order of the input, the same id twice or not', () => {
  const answers = answersOf([line({ id: 'b' }), '', line({ horizon: 5 }), line({ id: 'b' })].join('\n'));
  expect(answers.map(({ id }) => id)).toEqual(['b', 'a', 'b']);
  expect(answers.map(({ p50 }) => p50.length)).toEqual([3, 5, 3]);
  expect(answers[2]).toEqual(answers[0]);
});

test('takes what pandas writes: NaN, Infinity, a start without an offset (UTC)', () => {
  const text = `{"id": "Infinity and NaN", "stepSeconds": 3600, "start": "2026-10-05T00:00:00", "history": [1, NaN, -Infinity, Infinity, 2.5e1], "horizon": 2}`;
  expect(parseForecastLines(`\ufeff${text}`)).toEqual([
    expect.objectContaining({
      id: 'Infinity and NaN',
      startMs: Date.UTC(2026, 9, 5),
      history: [1, null, null, null, 25],
    }),
  ]);
  expect(answersOf(text)[0]!.p90.every(Number.isFinite)).toBe(true);
});

test.each([
  ['no JSON', '{"id": "a"'],
  ['an empty object', '{}'],
  ['a list', '[1, 2]'],
  ['no id', line({ id: '' })],
  ['no step', line({ stepSeconds: 0 })],
  ['a horizon of nothing', line({ horizon: 0 })],
  ['a horizon without end', line({ horizon: 1e9 })],
  ['no moment', line({ start: 'yesterday' })],
  ['a clock of nowhere', line({ timeZone: 'Europe/Atlantis' })],
  ['words in the history', line({ history: [1, 'two'] })],
  ['too few event levels', line({ eventLevels: [0, 1] })],
  ['negative event levels', line({ eventLevels: Array(103).fill(-1) })],
])('refuses %s by the number of its line, and forecasts nothing', (_, bad) => {
  expect(() => forecastJsonl([line(), bad, line()].join('\n'), forecaster)).toThrow(UnusableInput);
  expect(() => forecastJsonl([line(), bad, line()].join('\n'), forecaster)).toThrow(/line 2: /);
});

test('whatever a line is made of: an answer with sane numbers, or a refusal that names it', async () => {
  const lines = fc.oneof(
    spoiltJson(good).map((object) => JSON.stringify(object)),
    spoilt(Buffer.from(`${line()}\n${line({ id: 'b' })}\n`)).map((bytes) => bytes.toString('utf8')),
  );
  await fuzz(lines, (text) => {
    let answer: string;
    try {
      answer = forecastJsonl(text, forecaster);
    } catch (error) {
      expect(error).toBeInstanceOf(UnusableInput);
      expect((error as Error).message).toMatch(/line \d+: /);
      return;
    }
    for (const one of answer.trim() === '' ? [] : answer.trim().split('\n')) {
      const { p10, p50, p90 } = JSON.parse(one) as Answer;
      p50.forEach((middle, k) => {
        expect(p10[k]).toBeGreaterThanOrEqual(0);
        expect(middle).toBeGreaterThanOrEqual(p10[k]!);
        expect(p90[k]).toBeGreaterThanOrEqual(middle);
      });
    }
  });
});
