import { CancelledFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { fleetActivities } from '../../activities/fleet/fleet';
import { rolloutActivities } from '../../activities/versions/rollout';
import { SwarmError } from '../../src/domain';

/** A new encoder: what it answers at each look, the last for ever. */
const encoderThat = (...answers: (string | Error)[]) => {
  let looks = 0;
  const answer = async (): Promise<{ buildDigest: string }> => {
    const now = answers[Math.min(looks, answers.length) - 1]!;
    if (now instanceof Error) throw now;
    return { buildDigest: now };
  };
  const client = async () => {
    looks += 1;
    return { describe: answer, telemetry: answer };
  };
  return { looks: () => looks, encoders: { client } };
};
const silent = new SwarmError('unavailable', 'connection refused');
const [older, newer] = ['a'.repeat(64), 'b'.repeat(64)] as const;

const waits: [string, (encoders: unknown) => Promise<unknown>][] = [
  [
    'awaitEncoderHealthy',
    (encoders) => fleetActivities({ encoders } as never).awaitEncoderHealthy({ encoderId: 'enc-4' }),
  ],
  [
    'awaitBuild',
    (encoders) => rolloutActivities({ encoders } as never).awaitBuild({ encoderId: 'enc-4', digest: newer }),
  ],
];

describe.each(waits)('%s', (_, awaited) => {
  let environment: MockActivityEnvironment;
  beforeEach(() => (environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') })));
  afterEach(() => jest.restoreAllMocks());
  const run = (encoder: ReturnType<typeof encoderThat>) => environment.run(() => awaited(encoder.encoders));

  test('looks again until the encoder answers', async () => {
    const encoder = encoderThat(silent, silent, newer);
    expect(await run(encoder)).toEqual({ atMs: expect.any(Number) });
    expect(encoder.looks()).toBe(3);
  });

  test('gives up after a minute', async () => {
    // Half a minute goes by with each look.
    let nowMs = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => (nowMs += 30_000));
    const encoder = encoderThat(silent);
    await expect(run(encoder)).rejects.toMatchObject({
      ...{ code: 'encoder-unreachable', hint: 'Look at the log of this encoder.' },
      message: expect.stringMatching(/^Encoder enc-4 did not /),
    });
    expect(encoder.looks()).toBe(3);
  });

  test('ends when it is cancelled', async () => {
    const encoder = encoderThat(silent);
    const looking = run(encoder);
    environment.cancel();
    await expect(looking).rejects.toBeInstanceOf(CancelledFailure);
    expect(encoder.looks()).toBe(1);
  });
});

test('the wrong build is waited out, and named in the end', async () => {
  const build = (encoder: ReturnType<typeof encoderThat>) =>
    new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(() =>
      waits[1]![1](encoder.encoders),
    );
  await expect(build(encoderThat(older, newer))).resolves.toMatchObject({});
  let nowMs = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => (nowMs += 61_000));
  await expect(build(encoderThat(older))).rejects.toThrow(`build ${'b'.repeat(12)}…; it reported ${older}.`);
  jest.restoreAllMocks();
});

test('an encoder that left the fleet is not waited for', async () => {
  const client = async (): Promise<never> => {
    throw new SwarmError('unknown-encoder', 'No encoder enc-4 in this swarm.');
  };
  const { awaitBuild } = rolloutActivities({ encoders: { client } } as never);
  const asked = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(() =>
    awaitBuild({ encoderId: 'enc-4', digest: newer }),
  );
  await expect(asked).rejects.toMatchObject({ code: 'unknown-encoder' });
});
