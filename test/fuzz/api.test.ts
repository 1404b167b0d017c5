import { operations, type Operation } from '../../src/contracts/api';
import { channelSpecSchema, idSchema, knownEventSchema } from '../../src/domain';
import { channelWithDefaults } from '../../src/domain/default-channels';
import { startFakeApi } from '../api/running-api';
import fc from '../support/fast-check';
import { fuzz, spoilt, spoiltJson } from './fuzz';
import { ask, part, queryOf, type FuzzedRequest } from './http-requests';

const nowMs = Date.now();

/** A sound body of each kind that the API takes. */
const sound: Partial<Record<keyof typeof operations, Record<string, unknown>>> = {
  addChannel: { ...channelWithDefaults('news') },
  updateChannel: { viewersPerRung: [10, 20] },
  handoff: { encoderId: 'enc-2', rungs: 1, requestId: 'r-1' },
  addBuild: { id: 'newer', source: { kind: 'path', path: '/usr/bin/ffmpeg' }, digest: 'a'.repeat(64) },
  setTarget: { buildId: 'newer' },
  pin: { buildId: 'newer' },
  startRollout: { buildId: 'newer' },
  decideRollout: { decision: 'continue' },
  splice: { kind: 'out', durationMs: 30_000, inMs: 5_000 },
  switchInput: { input: 'auto', atMs: nowMs + 60_000 },
  signPlayUrls: { lifeMs: 60_000 },
  logIn: { token: 'a token of a swarm where nobody has to log in' },
  addEvent: {
    id: 'final',
    title: 'Final',
    startsAtMs: nowMs,
    endsAtMs: nowMs + 3_600_000,
    level: 1,
    channelIds: ['ch-1'],
  },
  importHistory: { rows: [{ atMs: nowMs - 60_000, channelId: 'ch-1', viewers: 7, region: 'eu' }] },
  whatIf: { placement: { 'ch-1': 'enc-2' } },
};

/** Answers without an end are read elsewhere. */
const asked = Object.entries<Operation>(operations).filter(([, { stream }]) => !stream);
const soundBodyOf = (id: string): Record<string, unknown> => sound[id as keyof typeof operations] ?? {};

/** Every operation, with parts of its path, its query and its body spoilt. */
const apiRequests = fc
  .record({
    operation: fc.constantFrom(...asked),
    wrongMethod: fc.option(fc.constantFrom('get', 'post', 'put', 'delete', 'patch'), { freq: 5 }),
    parts: fc.array(
      fc.oneof(part, fc.constantFrom('ch-1', 'ch-2', 'enc-1', 'enc-2', 'newer', 'handoff/ch-1/1')),
      {
        minLength: 3,
        maxLength: 3,
      },
    ),
    query: queryOf(['limit', 'steps', 'channel', 'encoder', 'x', '__proto__']),
    type: fc.constantFrom(
      'application/json',
      'application/json',
      'application/json; charset=utf-8',
      'text/plain',
    ),
    origin: fc.option(fc.constantFrom('http://elsewhere.example', 'null', '\u00ff', ''), { freq: 8 }),
    choice: fc.nat(3),
  })
  .chain(({ operation: [id, operation], wrongMethod, parts, query, type, origin, choice }) => {
    const json = soundBodyOf(id);
    const text = Buffer.from(JSON.stringify(json));
    // One in four is sound but for path and query, so that some are taken.
    const isSound = choice === 0;
    const given: fc.Arbitrary<string | undefined> = isSound
      ? fc.constant(text.toString())
      : choice === 1
        ? spoilt(text).map((bytes) => bytes.toString('utf8'))
        : spoiltJson(json).map((value) => JSON.stringify(value) as string | undefined);
    const method = ((isSound ? null : wrongMethod) ?? operation.method).toUpperCase();
    let next = 0;
    const path = operation.path.replace(/\{\w+\}/g, () => parts[next++] ?? '');
    return given.map((bytes): FuzzedRequest => ({
      method,
      path: `/api${path}?${query}`,
      headers: isSound
        ? { 'content-type': 'application/json' }
        : { 'content-type': type, ...(origin !== null && { origin }) },
      body: method === 'GET' ? undefined : bytes,
    }));
  });

it('every route of the API answers strange requests clearly, and a refusal changes nothing', async () => {
  const api = await startFakeApi();
  const { swarm } = api;
  try {
    const answered = new Set<string>();
    await fuzz(
      apiRequests,
      async (request) => {
        const before = swarm.snapshot();
        if (await ask(api.url, request)) answered.add(request.method);
        else expect(swarm.snapshot()).toBe(before);
      },
      { share: 2 },
    );
    expect([...answered]).toEqual(expect.arrayContaining(['GET', 'POST']));
    // What reached the swarm is what its schemas allow.
    for (const { spec } of swarm.channels.values()) channelSpecSchema.parse(spec);
    for (const event of swarm.events.values()) knownEventSchema.parse(event);
    for (const { channelId, viewers } of swarm.imported) {
      idSchema.parse(channelId);
      expect(viewers).toBeGreaterThanOrEqual(0);
    }
    for (const id of Object.keys(swarm.versions.state.pins)) idSchema.parse(id);
  } finally {
    await api.stop();
  }
});

it('there is a sound body of each kind, and the API takes it', async () => {
  const api = await startFakeApi(undefined, { SWARM_PLAY_URLS: 'signed' });
  try {
    const { swarm } = api;
    await swarm.ports().versions.add({ id: 'newer', source: { kind: 'path', path: '/x' } });
    const ids: Record<string, string> = { '/versions/pins/{id}': 'ch-1' };
    const empty = asked.filter(([id, { bodyOptional }]) => bodyOptional && !(id in sound)).length;
    expect(Object.keys(sound)).toHaveLength(asked.filter(([, { body }]) => body).length - empty);
    // A channel with a backup.
    const sinceMs = nowMs;
    swarm.sources['ch-1'] = { standby: { onAir: 'primary', sinceMs, inputs: [], switches: [], planned: [] } };
    const bodies = asked.filter(([id]) => id in sound && id !== 'addBuild' && id !== 'decideRollout');
    for (const [id, { method, path }] of bodies) {
      const url = path.replace('{id}', ids[path] ?? 'ch-1');
      const taken = await ask(api.url, {
        method: method.toUpperCase(),
        path: `/api${url}`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(soundBodyOf(id)),
      });
      expect([path, taken]).toEqual([path, true]);
    }
  } finally {
    await api.stop();
  }
});
