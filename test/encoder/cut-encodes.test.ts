import { SwarmError } from '../../src/domain';
import { CutEncodes, type CutEncodesOptions } from '../../src/media/encoder/cut-encodes';
import { keyFrameList } from '../../src/media/encoder/key-frame-list';
import type { EncodedGop } from '../../src/media/encoder/types';
import { quietLog } from './support/test-host';

const GOP = 180_000;

type RunOptions = Parameters<CutEncodesOptions['startRun']>[0];
interface Started {
  options: RunOptions;
  stopped: boolean;
}

let runs: Started[];
let settled: number;
let cuts: CutEncodes;
beforeEach(() => {
  jest.useFakeTimers();
  runs = [];
  settled = 0;
  cuts = new CutEncodes({
    gopDurationTicks: GOP,
    startRun: (options) => {
      const run = { options, stopped: false };
      runs.push(run);
      return {
        start: async () => undefined,
        stop: () => (run.stopped = true),
        takePartial: () => null,
      };
    },
    onSettled: () => settled++,
    log: quietLog,
  });
});
afterEach(() => jest.useRealTimers());

const made = (gop: number): EncodedGop => ({ gop, segments: [] });
const tell = (...cutTicks: number[]): void => cuts.tell({ fromTicks: 0, cutTicks });

test('a GOP with a cut is encoded a second time, with the GOP before it, when it is due', () => {
  tell(5 * GOP + 7_200);
  cuts.look(1, 3);
  expect(runs).toHaveLength(0);
  cuts.look(1, 4);
  cuts.look(1, 4);
  expect(runs.map(({ options }) => options)).toMatchObject([{ fromGop: 4, cutTicks: [5 * GOP + 7_200] }]);
  expect(cuts.resultOf(4)).toBe('none');
  expect(cuts.resultOf(5)).toBeNull();
  runs[0]!.options.onGop(made(4));
  expect(cuts.resultOf(5)).toBeNull();
  const cut = made(5);
  runs[0]!.options.onGop(cut);
  expect(cuts.resultOf(5)).toBe(cut);
  expect([settled, runs[0]!.stopped]).toEqual([1, true]);
});

test('at the beginning of a GOP there is nothing to do', () => {
  tell(5 * GOP, 6 * GOP + 90);
  cuts.look(5, 6);
  expect(runs).toHaveLength(0);
});

test('where the GOP before has left the ring, it begins without; where that fails too, the GOP is uncut', () => {
  tell(5 * GOP + 7_200);
  cuts.look(5, 5);
  const left = { kind: 'refused' as const, error: new SwarmError('gop-left-ring', 'It has left the ring.') };
  runs[0]!.options.onEnd(left);
  expect(runs[1]!.options.fromGop).toBe(5);
  expect(cuts.resultOf(5)).toBeNull();
  runs[1]!.options.onEnd(left);
  expect(cuts.resultOf(5)).toBe('none');
});

test('a run that crashes, or takes too long, holds up nothing for long', () => {
  tell(5 * GOP + 7_200, 7 * GOP + 7_200);
  cuts.look(5, 6);
  runs[0]!.options.onEnd({ kind: 'crashed', message: 'signal 9' });
  expect(cuts.resultOf(5)).toBe('none');
  expect(cuts.resultOf(7)).toBeNull();
  jest.advanceTimersByTime(5_100);
  expect(cuts.resultOf(7)).toBe('none');
  expect(settled).toBe(2);
});

test('a cut that moves begins anew, and one that is withdrawn is forgotten', () => {
  tell(5 * GOP + 7_200);
  cuts.look(5, 5);
  cuts.tell({ fromTicks: 5 * GOP, cutTicks: [5 * GOP + 14_400] });
  cuts.look(5, 5);
  expect(runs.map(({ stopped }) => stopped)).toEqual([true, false]);
  runs[0]!.options.onGop(made(5));
  expect(cuts.resultOf(5)).toBeNull();
  cuts.tell({ fromTicks: 5 * GOP, cutTicks: [] });
  cuts.look(5, 5);
  expect(cuts.resultOf(5)).toBe('none');
  expect(runs[1]!.stopped).toBe(true);
});

test('key frames of cuts stand among those of the GOPs, never two within a frame', () => {
  const { list, gops } = keyFrameList(GOP, 3, {
    ticks: [9_000_000 + 7_200, 9_000_000 + 7_300, 9_000_000 + GOP + 90_000],
    frameTicks: 3_600,
  });
  // 2 ms before each, so that rounding hits the picture that is meant.
  expect(list).toBe('100,100.078,102,102.998,104');
  expect(gops).toBe(3);
});
