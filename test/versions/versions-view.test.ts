import type { Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import { forPlanning } from '../../src/cycle';
import {
  channelWithDefaults,
  emptyVersions,
  type EncoderBuild,
  type EncoderObservation,
  type SwarmSnapshot,
} from '../../src/domain';
import {
  VersionsView,
  targetOf,
  withHeldBack,
  withPin,
  withVersion,
  type Catalogue,
} from '../../src/observation/versions-view';

const build = (id: string, compatibilityClass: string | null): EncoderBuild => ({
  ...{ id, digest: id.padEnd(64, '0'), source: { kind: 'path', path: `/${id}` }, executablePath: `/${id}` },
  ...{ ffmpegVersion: '5', capabilities: [], compatibilityClass, probedAtMs: null },
});
const catalogue: Catalogue = {
  ...emptyVersions('t'),
  builds: [build('old', 'c-1'), build('new', 'c-1'), build('raw', null)],
  targetBuildId: 'new',
  pins: { 'ch-1': 'old' },
  isRolloutRunning: false,
};
const encoder = (id: string, buildDigest?: string): EncoderObservation =>
  ({
    ...{ id, reachable: true, cordoned: false, draining: false, telemetry: { sessions: [] } },
    ...(buildDigest && { buildDigest }),
  }) as unknown as EncoderObservation;

test('an encoder is joined with its build and that build with its class, by the digest alone', () => {
  expect(withVersion(encoder('e', 'old'.padEnd(64, '0')), catalogue)).toMatchObject({
    buildId: 'old',
    compatibilityClass: 'c-1',
  });
  const raw = withVersion(encoder('e', 'raw'.padEnd(64, '0')), catalogue);
  expect([raw.buildId, raw.compatibilityClass]).toEqual(['raw', undefined]);
  for (const unknown of [encoder('e'), encoder('e', 'f'.repeat(64))]) {
    expect(withVersion(unknown, catalogue)).toEqual(unknown);
  }
});

test("the operator's pin goes before the channel's own, and leaves the rest of its placement", () => {
  const spec = { ...channelWithDefaults('ch-1'), placement: { zone: 'a', buildId: 'new' } };
  expect(withPin(spec, catalogue).placement).toEqual({ zone: 'a', buildId: 'old' });
  expect(withPin({ ...spec, id: 'ch-2' }, catalogue).placement).toEqual(spec.placement);
});

test('an idle encoder with the wrong build is held back: planners see it as cordoned, the record says why', () => {
  const digestOf = (id: string): string => id.padEnd(64, '0');
  const encoders = [
    encoder('idle', digestOf('old')),
    encoder('busy', digestOf('old')),
    encoder('new', digestOf('new')),
  ];
  const owners = [{ encoderId: 'busy', sessionId: 's' }, null];
  const observed = withHeldBack(encoders, owners, catalogue);
  expect(observed.map((e) => e.heldBack?.replace(/ \(.*\)/, ''))).toEqual([
    'runs an unknown build, and takes no work before it runs new',
    undefined,
    undefined,
  ]);
  const planned = forPlanning({ encoders: observed } as SwarmSnapshot);
  expect(planned.encoders.map((e) => e.cordoned)).toEqual([true, false, false]);
  const duringRollout = { ...catalogue, isRolloutRunning: true };
  expect(targetOf(duringRollout)).toBeNull();
  expect(withHeldBack(encoders, owners, duringRollout)).toEqual(encoders);
});

describe('the view of the manager', () => {
  const client = (options: { query: () => Promise<unknown>; describe: () => Promise<unknown> }) => () =>
    ({ workflow: { getHandle: () => options } }) as unknown as Client;
  const never = (): Promise<never> => new Promise(() => undefined);

  test('keeps what it knew when Temporal does not answer in time, and then lets nothing be brought in line', async () => {
    let answers = true;
    const notFound = () => Promise.reject(new WorkflowNotFoundError('none', 'rollout/t', undefined));
    const view = new VersionsView(
      't',
      client({
        query: () => (answers ? Promise.resolve(catalogue) : never()),
        describe: () => (answers ? notFound() : never()),
      }),
    );
    expect(targetOf(await view.read())).toMatchObject({ id: 'new' });
    answers = false;
    await new Promise((resolve) => setTimeout(resolve, 300));
    const late = await view.read();
    expect(late.builds).toEqual(catalogue.builds);
    expect(targetOf(late)).toBeNull();
  });

  test('is never older than the question for who acts on what was just changed', async () => {
    let known = { ...catalogue, targetBuildId: null as string | null };
    const describe = () => Promise.reject(new WorkflowNotFoundError('none', 'rollout/t', undefined));
    const view = new VersionsView('t', client({ query: () => Promise.resolve(known), describe }));
    await view.read();
    known = { ...catalogue };
    expect((await view.read()).targetBuildId).toBeNull();
    expect((await view.read({ isCurrent: true })).targetBuildId).toBe(catalogue.targetBuildId);
  });

  test('tells a rollout that runs from one that has ended', async () => {
    for (const [name, running] of [
      ['RUNNING', true],
      ['COMPLETED', false],
    ] as const) {
      const describe = () => Promise.resolve({ status: { name } });
      const view = new VersionsView('t', client({ query: () => Promise.resolve(catalogue), describe }));
      expect((await view.read()).isRolloutRunning).toBe(running);
    }
  });
});
