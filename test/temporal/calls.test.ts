import { SwarmError } from '../../src/domain';
import { TemporalCalls } from '../../src/temporal/calls';

test('a connection that failed is tried again after two seconds, however the wall clock is set meanwhile', async () => {
  let attempts = 0;
  let monotonicMs = 10_000;
  const calls = new TemporalCalls(
    () => {
      attempts += 1;
      return Promise.reject(new Error('no server'));
    },
    () => monotonicMs,
  );
  const ask = (): Promise<unknown> =>
    calls
      .read(
        () => new SwarmError('unavailable', 'none'),
        async () => null,
      )
      .catch(() => undefined);
  const { now } = Date;
  const wall = jest.spyOn(Date, 'now').mockImplementation(() => now() + 86_400_000);
  await ask();
  wall.mockRestore();
  await ask();
  expect(attempts).toBe(1);
  monotonicMs += 2_000;
  await ask();
  expect(attempts).toBe(2);
});
