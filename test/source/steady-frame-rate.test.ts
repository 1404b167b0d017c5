import { rateForFfmpeg } from '../../src/domain';
import { steadyFrameRate } from '../../src/media/source/steady-frame-rate';

const text = (baseRate: string, averageRate: string): string | null => {
  const rate = steadyFrameRate({ baseRate, averageRate });
  return rate === null ? null : rateForFfmpeg(rate);
};

it.each([
  ['25/1', '25/1', '25'],
  ['30000/1001', '30000/1001', '30000/1001'],
  // Rounded by a container that counts milliseconds.
  ['2997/100', '19001/634', '30000/1001'],
  ['1000/1', '14986/250', '60000/1001'],
  ['60/1', '60/1', '60'],
  ['1/1', '1/1', '1'],
  ['50/4', '25/2', '25/2'],
  // Fields are counted.
  ['50/1', '25/1', '25'],
  ['60000/1001', '30000/1001', '30000/1001'],
])('base %s, average %s: %s', (base, average, expected) => {
  expect(text(base, average)).toBe(expected);
});

it.each([
  ['0/0', '0/0'],
  ['25/1', '0/0'],
  ['25/1', '94/15'],
  ['90000/1', '133/10'],
  ['1000/1', '1000/1'],
])('base %s, average %s: none', (base, average) => {
  expect(text(base, average)).toBeNull();
});
