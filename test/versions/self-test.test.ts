import { setTimeout as sleep } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { selfTestActivities } from '../../activities/versions/self-test';
import { emptyVersions, type EncoderBuild } from '../../src/domain';
import { detectFfmpeg } from '../../src/media/encoder/ffmpeg-capabilities';
import { PROBE_CASES, combineCases, measureCase } from '../../src/media/probe';
import { startHost } from '../encoder/support/test-host';
import { quietRuntime } from '../workflows/support/temporal';
import { npmFfmpeg, wrapFfmpeg } from './support/real-builds';

quietRuntime();

type Host = Awaited<ReturnType<typeof startHost>>;
let hosts: Host[] = [];
let builds: EncoderBuild[] = [];

const hostWith = async (ffmpegPath: string, options: { capacityUnits?: number } = {}): Promise<Host> => {
  const started = await startHost({ ffmpegPath, ...options });
  hosts.push(started);
  return started;
};

afterEach(async () => {
  await Promise.all(hosts.map((host) => host.stop()));
  hosts = [];
  builds = [];
});

const selfTest = async (host: Host, digest?: string, maxUnits?: number): Promise<unknown> => {
  const activities = selfTestActivities({
    encoders: { client: async () => host.client } as never,
    versions: { read: async () => ({ ...emptyVersions('t'), isRolloutRunning: false, builds }) },
    ffmpegPath: 'ffmpeg',
    clipsServedFrom: { listenOn: '127.0.0.1', reachableAs: '127.0.0.1' },
  });
  const { buildDigest = '' } = await host.client.describe();
  const request = {
    encoderId: 'enc-1',
    digest: digest ?? buildDigest,
    ...(maxUnits !== undefined && { maxUnits }),
  };
  return new MockActivityEnvironment().run(activities.selfTest, request);
};

/** The catalogue's entry of the build that another host runs. */
const probed = async (ffmpegPath: string, digest: string): Promise<EncoderBuild> => {
  const ffmpeg = await detectFfmpeg(ffmpegPath);
  const cases = [];
  for (const probeCase of PROBE_CASES) {
    cases.push(await measureCase(ffmpeg, probeCase, { clipFfmpegPath: 'ffmpeg' }));
  }
  const { compatibilityClass, ...probe } = combineCases(cases);
  return {
    ...{ id: 'b', digest, source: { kind: 'path', path: ffmpegPath }, ffmpegVersion: '', capabilities: [] },
    ...{ compatibilityClass, probedAtMs: 1, probe },
  };
};

test('a real host publishes the clips just as its build was probed, and is empty again', async () => {
  const host = await hostWith(npmFfmpeg);
  builds = [await probed(npmFfmpeg, (await host.client.describe()).buildDigest!)];
  await selfTest(host);
  const { sessions, unitsUsed } = await host.client.telemetry();
  expect(sessions.filter((s) => s.state !== 'released')).toEqual([]);
  expect(unitsUsed).toBe(0);
});

test('a small host is tested with what it has room for', async () => {
  await selfTest(await hostWith('ffmpeg', { capacityUnits: 1.2 }));
  await expect(selfTest(await hostWith('ffmpeg', { capacityUnits: 0.1 }))).rejects.toMatchObject({
    code: 'encoder-full',
  });
});

test('with nothing to spare a host is tested all the same, with the smallest rendition', async () => {
  const host = await hostWith('ffmpeg');
  let mostUnits = 0;
  let isOver = false;
  const watch = async (): Promise<void> => {
    while (!isOver) {
      const { unitsUsed } = await host.client.telemetry();
      mostUnits = Math.max(mostUnits, unitsUsed);
      await sleep(20);
    }
  };
  // One look at a time, and none under way when the host is stopped: that one would be refused.
  await Promise.all([watch(), selfTest(host, undefined, 0).finally(() => (isOver = true))]);
  expect(mostUnits).toBeCloseTo(0.64);
});

test('a host that runs another build than it should is refused', async () => {
  await expect(selfTest(await hostWith('ffmpeg'), '0'.repeat(64))).rejects.toMatchObject({
    code: 'encoder-incompatible',
    message: expect.stringContaining('not 000000000000') as string,
  });
});

test('a host that encodes otherwise than its build was probed is refused with the difference', async () => {
  const wrapper = wrapFfmpeg('ffmpeg', ['s/^3\\.0$/4.0/']);
  try {
    const host = await hostWith(wrapper.path);
    builds = [await probed('ffmpeg', (await host.client.describe()).buildDigest!)];
    await expect(selfTest(host)).rejects.toMatchObject({
      code: 'encoder-incompatible',
      message: expect.stringContaining('codec avc1.4d401e against avc1.4d4028') as string,
    });
  } finally {
    wrapper.remove();
  }
});

test('a host whose build breaks is refused with what the session said', async () => {
  const wrapper = wrapFfmpeg('ffmpeg', ['s/^-copyts$/-no-such-option/']);
  try {
    const host = await hostWith(wrapper.path);
    await expect(selfTest(host)).rejects.toMatchObject({
      code: 'session-failed',
      message: expect.stringContaining('no-such-option') as string,
    });
    expect((await host.client.telemetry()).unitsUsed).toBe(0);
  } finally {
    wrapper.remove();
  }
});
