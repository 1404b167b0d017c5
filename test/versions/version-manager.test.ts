import { realpathSync } from 'node:fs';
import type { WorkflowHandle } from '@temporalio/client';
import { withFailures } from '../../activities/kit/failures';
import { buildActivities, versionActivities } from '../../activities/versions/versions';
import { OriginClient } from '../../src/contracts/origin';
import {
  SwarmError,
  versionsControl,
  versionsWorkflowId,
  type AddBuildRequest,
  type EncoderBuild,
  type VersionsState,
} from '../../src/domain';
import { eventually } from '../support/until';
import { FakeActivities } from '../workflows/support/fake-activities';
import { Workbench, refusalFrom } from '../workflows/support/workbench';
import { IMAGEIO_FFMPEG_VERSION, npmFfmpeg, pypiFfmpeg, wrapFfmpeg } from './support/real-builds';

let bench: Workbench;
let manager: WorkflowHandle;
const swarm = new FakeActivities().ownedBy('ch-1', 'enc-1');
/** What each encoder runs, for the activity that looks. */
const running = new Map<string, string>();

beforeAll(async () => {
  [bench] = await Promise.all([Workbench.open({ suggestContinueAsNewAtEvents: 60 }), pypiFfmpeg()]);
  const real = {
    ...buildActivities({ ffmpegPath: 'ffmpeg' }),
    ...versionActivities({
      cell: bench.cell,
      origin: new OriginClient('http://127.0.0.1:1'),
      versions: { read: async () => ({ ...(await state()), isRolloutRunning: false }) },
      temporal: () => bench.client,
      encoders: {
        list: async () => [...running.keys()].map((id) => ({ id })),
        client: async (id: string) => ({ describe: async () => ({ buildDigest: running.get(id) }) }),
      } as never,
    }),
  };
  const fake = swarm.activities();
  bench.use(
    swarm.activities({
      ...withFailures(real),
      requireChannel: (request) => fake.requireChannel(request),
    }),
  );
  manager = await bench.client.workflow.start('versions', {
    workflowId: versionsWorkflowId(bench.cell),
    taskQueue: bench.taskQueue,
    args: [{ cell: bench.cell }],
  });
}, 120_000);
afterAll(() => bench.close());

const update = <T>(name: string, argument: unknown): Promise<T> =>
  manager.executeUpdate<T, [unknown]>(name, { args: [argument] });
const add = (request: AddBuildRequest): Promise<EncoderBuild> => update(versionsControl.add, request);
const state = (): Promise<VersionsState> => manager.query<VersionsState>(versionsControl.state);
const debian: AddBuildRequest = { id: 'debian', source: { kind: 'path', path: '/usr/bin/ffmpeg' } };

test('real builds are found, fetched, described, probed: all of one class', async () => {
  const builds = await Promise.all([
    add(debian),
    add({
      id: 'npm-2018',
      source: { kind: 'package', ecosystem: 'npm', name: '@ffmpeg-installer/ffmpeg', version: '1.1.0' },
    }),
    add({
      id: 'static-7',
      source: {
        kind: 'package',
        ecosystem: 'pypi',
        name: 'imageio-ffmpeg',
        version: IMAGEIO_FFMPEG_VERSION,
      },
    }),
  ]);
  expect(builds.map((b) => [b.id, b.executablePath, b.ffmpegVersion.split(/[-_ ]/)[0]])).toEqual([
    ['debian', realpathSync('/usr/bin/ffmpeg'), expect.stringMatching(/^\d/)],
    ['npm-2018', realpathSync(npmFfmpeg), 'N'],
    ['static-7', await pypiFfmpeg(), '7.0.2'],
  ]);
  for (const { capabilities } of builds) {
    expect(capabilities).toEqual(expect.arrayContaining(['encoder libx264', 'filter scale', 'muxer mpegts']));
  }
  expect(builds.map((b) => b.capabilities.includes('option fps_mode'))).toEqual([true, false, true]);

  const seen = new Set<string>();
  const watch = setInterval(() => {
    void state().then(({ probing }) =>
      Object.values(probing).forEach((p) => seen.add(`${p.done}/${p.total}`)),
    );
  }, 100);
  const probed: EncoderBuild[] = [];
  for (const { id } of builds) probed.push(await update<EncoderBuild>(versionsControl.probe, id));
  clearInterval(watch);
  expect([...seen]).toEqual(expect.arrayContaining(['0/2', '1/2']));
  expect(new Set(probed.map((b) => b.compatibilityClass)).size).toBe(1);
  const [first] = probed;
  expect(first).toMatchObject({ compatibilityClass: expect.stringMatching(/^c-[0-9a-f]{12}$/) as string });
  expect(first!.probe!.facts[0]).toMatchObject({ codec: 'avc1.4d401e', pictureSize: '320x180' });
  // They were added at the same time: any of them may have been found first.
  const known = [...(await state()).builds].sort((one, other) => one.id.localeCompare(other.id));
  expect(known).toEqual(probed);
}, 90_000);

test('a build that fails its probe has no class, and says why', async () => {
  const wrapper = wrapFfmpeg('ffmpeg', ['s/^trim=start=99.999995/trim=start=99.999995,select=mod(n\\\\,7)/']);
  try {
    await add({ id: 'drops', source: { kind: 'path', path: wrapper.path } });
    const { code } = await refusalFrom(update(versionsControl.probe, 'drops'));
    expect(code).toBe('encoder-incompatible');
    const { builds, probeFaults, probing } = await state();
    expect(builds.find((b) => b.id === 'drops')).toMatchObject({
      compatibilityClass: null,
      probedAtMs: null,
    });
    expect(probeFaults.drops).toContain('does not hold the frames of the contribution');
    expect(probing).toEqual({});
    expect(
      await refusalFrom(update(versionsControl.setTarget, { buildId: 'drops', requestedBy: 't' })),
    ).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('never probed') as string,
    });
    await update(versionsControl.remove, 'drops');
    expect((await state()).probeFaults).toEqual({});
  } finally {
    wrapper.remove();
  }
}, 60_000);

test.each<[string, AddBuildRequest, string, RegExp]>([
  ['an id that is taken', debian, 'conflict', /There is a build debian already/],
  ['the same executable', { ...debian, id: 'again' }, 'conflict', /same executable as build debian/],
  ['a bad id', { ...debian, id: 'Nine Lives' }, 'bad-request', /id must be/],
  [
    'no file',
    { id: 'x', source: { kind: 'path', path: '/opt/nowhere/ffmpeg' } },
    'not-found',
    /no executable/,
  ],
  [
    'another folder',
    { id: 'x', source: { kind: 'path', path: '/etc/ffmpeg' } },
    'bad-request',
    /may not be run/,
  ],
  ['a relative path', { id: 'x', source: { kind: 'path', path: 'ffmpeg' } }, 'not-found', /no executable/],
  [
    'no ffmpeg',
    { id: 'x', source: { kind: 'path', path: '/bin/true' } },
    'bad-request',
    /\/bin\/true may not be run as a build here/,
  ],
  ['another digest', { ...debian, id: 'x', digest: '0'.repeat(64) }, 'conflict', /not 0000/],
  [
    'an option for a package',
    { id: 'x', source: { kind: 'package', ecosystem: 'pypi', name: '--index-url', version: '1' } },
    'bad-request',
    /names no package/,
  ],
  [
    'another version than the installed one',
    {
      id: 'x',
      source: { kind: 'package', ecosystem: 'npm', name: '@ffmpeg-installer/ffmpeg', version: '9.9.9' },
    },
    'not-found',
    /here in version 1\.1\.0, not 9\.9\.9/,
  ],
  [
    'a package that nobody named',
    { id: 'x', source: { kind: 'package', ecosystem: 'npm', name: 'zod', version: '4.6.7' } },
    'bad-request',
    /npm package zod may not be run here/,
  ],
  [
    'a Debian version that is not installed',
    { id: 'x', source: { kind: 'package', ecosystem: 'debian', name: 'ffmpeg', version: '7:0.1-1' } },
    'not-found',
    /7:0\.1-1|not installed/,
  ],
  [
    'an image without a digest',
    { id: 'x', source: { kind: 'container', image: 'a:1' } },
    'bad-request',
    /look into/,
  ],
])('%s is refused, and changes nothing', async (_, request, code, message) => {
  const before = await state();
  const refused = await refusalFrom(add(request));
  expect(refused.code).toBe(code);
  expect(refused.message).toMatch(message);
  expect(await state()).toEqual(before);
});

test('a container image is recorded, but can not become the target of a fleet of executables', async () => {
  const image = {
    id: 'image-8',
    source: { kind: 'container', image: 'encoder:8' },
    digest: '8'.repeat(64),
  } as const;
  expect(await add(image)).toMatchObject({ digest: image.digest, compatibilityClass: null });
  expect(await refusalFrom(update(versionsControl.probe, 'image-8'))).toMatchObject({
    code: 'encoder-incompatible',
    message: expect.stringContaining('container image encoder:8') as string,
  });
  await update(versionsControl.remove, 'image-8');
});

test('target and pins keep a build from being removed, as does an encoder that runs it', async () => {
  const remove = () => refusalFrom(update(versionsControl.remove, 'debian'));
  await update(versionsControl.setTarget, { buildId: 'debian', requestedBy: 't' });
  expect((await state()).targetBuildId).toBe('debian');
  expect(await remove()).toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('target') as string,
  });
  await update(versionsControl.setTarget, { buildId: null, requestedBy: 't' });

  await update(versionsControl.pin, { channelId: 'ch-1', buildId: 'debian' });
  expect((await state()).pins).toEqual({ 'ch-1': 'debian' });
  expect((await remove()).message).toContain('ch-1 are pinned');
  await update(versionsControl.unpin, 'ch-1');

  const digest = (await state()).builds.find((b) => b.id === 'debian')!.digest;
  running.set('enc-1', digest);
  expect((await remove()).message).toContain('runs on enc-1');
  running.clear();

  expect((await refusalFrom(update(versionsControl.unpin, 'ch-1'))).code).toBe('not-found');
  expect((await refusalFrom(update(versionsControl.pin, { channelId: 'no', buildId: 'debian' }))).code).toBe(
    'unknown-channel',
  );
  for (const [name, argument] of [
    [versionsControl.pin, { channelId: 'ch-1', buildId: 'nothing' }],
    [versionsControl.setTarget, { buildId: 'nothing', requestedBy: 't' }],
    [versionsControl.probe, 'nothing'],
    [versionsControl.remove, 'nothing'],
  ] as const) {
    expect((await refusalFrom(update(name, argument))).code).toBe('not-found');
  }
});

test('continues as new, and forgets nothing', async () => {
  const before = await state();
  const { runId } = await manager.describe();
  await eventually(async () => {
    await update(versionsControl.pin, { channelId: 'ch-1', buildId: 'debian' });
    const latest = await bench.client.workflow.getHandle(versionsWorkflowId(bench.cell)).describe();
    return latest.runId !== runId;
  }, 30_000);
  expect(await state()).toEqual({ ...before, pins: { 'ch-1': 'debian' } });
});

test('a probe that can not be made says nothing against the build', async () => {
  const clipless = async () => {
    throw new SwarmError('conflict', 'the executable was replaced');
  };
  bench.use(swarm.activities(withFailures({ probeCase: clipless })));
  expect((await refusalFrom(update(versionsControl.probe, 'debian'))).code).toBe('conflict');
  const { builds, probeFaults } = await state();
  expect(builds.find((b) => b.id === 'debian')!.compatibilityClass).not.toBeNull();
  expect(probeFaults).toEqual({});
});
