import { StepReporter } from '../../src/setup';

const screen = (isTTY: boolean) => {
  const written: string[] = [];
  return { written, screen: { isTTY, columns: 40, write: (text: string) => written.push(text) } };
};

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test('a step shows a tick, its time and what came of it', async () => {
  const { written, screen: plain } = screen(false);
  const result = await new StepReporter(plain).step('Temporal', async () => 7, String);
  expect(result).toBe(7);
  expect(written).toEqual(['  ✓ Temporal       0.0 s  7\n']);
});

test('a long step on a terminal is one line that changes, cut to its width, and makes room for others', async () => {
  const { written, screen: terminal } = screen(true);
  const reporter = new StepReporter(terminal);
  const step = reporter.step('build', async (progress) => {
    progress('compiled 12 packages of a name that is much too long for this terminal');
    await new Promise((resolve) => setTimeout(resolve, 1_200));
  });
  await jest.advanceTimersByTimeAsync(600);
  expect(written).toEqual([expect.stringMatching(/^ {2}… build 0\.5 s compiled 12/)]);
  expect(written[0]).toHaveLength(39);
  reporter.line('moved');
  expect(written.slice(1)).toEqual(['\r\u001b[2K', 'moved\n']);
  await jest.advanceTimersByTimeAsync(1_000);
  await step;
  expect(written.at(-1)).toMatch(/✓ build/);
});

test('without a terminal a long step gives a sign of life every 15 seconds', async () => {
  const { written, screen: plain } = screen(false);
  const step = new StepReporter(plain).step('build', () => new Promise((r) => setTimeout(r, 40_000)));
  await jest.advanceTimersByTimeAsync(40_000);
  await step;
  expect(written).toHaveLength(3);
  expect(written[1]).toContain('build 30.0 s');
});

test('of steps that fail together the first is shown', async () => {
  const { written, screen: plain } = screen(false);
  const reporter = new StepReporter(plain);
  const failing = (name: string) => reporter.step(name, () => Promise.reject(new Error(name)));
  await Promise.allSettled([failing('origin'), failing('relay')]);
  expect(written).toEqual([expect.stringContaining('✗ origin')]);
});
