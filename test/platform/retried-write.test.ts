import { RetriedWrite } from '../../src/platform/retried-write';

let isFull: boolean;
let truth: string;
let stored: string;
let tries: number;
let record: RetriedWrite;

beforeEach(() => {
  jest.useFakeTimers();
  isFull = false;
  tries = 0;
  stored = 'old';
  record = new RetriedWrite(() => {
    tries += 1;
    if (isFull) throw new Error('no room');
    stored = truth;
  });
});
afterEach(() => jest.useRealTimers());

const write = (text: string): void => {
  truth = text;
  record.now();
};

test('it is written at once where it can be, and not again', () => {
  write('a');
  expect(stored).toBe('a');
  jest.advanceTimersByTime(10_000);
  expect(tries).toBe(1);
});

test('on a full disk it is tried each second, with what is true by then', () => {
  isFull = true;
  write('a');
  write('b');
  jest.advanceTimersByTime(3_000);
  expect(stored).toBe('old');
  expect(tries).toBe(5);
  truth = 'c';
  isFull = false;
  jest.advanceTimersByTime(1_000);
  expect(stored).toBe('c');
  expect(jest.getTimerCount()).toBe(0);
});

test('what is cancelled is not written any more', () => {
  isFull = true;
  write('a');
  record.cancel();
  isFull = false;
  jest.advanceTimersByTime(10_000);
  expect(stored).toBe('old');
});
