import { connect } from 'node:net';
import type { RunningApi } from '../../src/api/server';
import { channelWithDefaults, type ErrorCode } from '../../src/domain';
import type { FakeSwarm } from './fake-swarm';
import { moveResult } from './move-result';
import { ask, startFakeApi, type Answer } from './running-api';

let api: RunningApi & { swarm: FakeSwarm };
beforeEach(async () => {
  api = await startFakeApi();
});
afterEach(() => api.stop());

const post = (path: string, json: unknown = {}): Promise<Answer> => ask(`${api.url}/api${path}`, { json });

/** The refusal has the code and a cause, and nothing has changed. */
const expectRefusal = async (
  act: () => Promise<Answer>,
  status: number,
  code: ErrorCode,
): Promise<Answer> => {
  const before = api.swarm.snapshot();
  const answer = await act();
  expect({ status: answer.status, code: answer.body.error.code }).toEqual({ status, code });
  expect(answer.body.error.message.length).toBeGreaterThan(10);
  expect(answer.body.error.hint.length).toBeGreaterThan(10);
  expect(api.swarm.snapshot()).toBe(before);
  return answer;
};

test('a handoff moves the channel, and the next status shows it', async () => {
  await ask(`${api.url}/api/status`);
  const { status, body } = await post('/channels/ch-2/handoff', { encoderId: 'enc-3' });
  expect(status).toBe(200);
  expect(body).toMatchObject({ channelId: 'ch-2', outcome: 'completed', toEncoderId: 'enc-3' });
  const seen = (await ask(`${api.url}/api/status`)).body;
  expect(seen.channels[1].owner.encoderId).toBe('enc-3');
  expect(seen.moves[0]).toMatchObject({ channelId: 'ch-2', reason: 'operator', toEncoderId: 'enc-3' });
});

test('a break begins and ends, and who asked for it is noted', async () => {
  const out = await post('/channels/ch-2/splices', { kind: 'out', durationMs: 30_000, reason: 'the final' });
  expect(out.status).toBe(201);
  expect(out.body).toMatchObject({ kind: 'break', atTicks: 1_260_000, plannedTicks: 2_700_000 });
  const back = await post('/channels/ch-2/splices', { kind: 'return', inMs: 10_000 });
  expect(back.body).toMatchObject({ id: out.body.id, endTicks: 1_800_000 });
  const { body } = await ask(`${api.url}/api/audit?limit=2`);
  expect(body).toMatchObject([
    { command: 'splice', about: 'ch-2', outcome: 'done' },
    { command: 'splice', about: 'ch-2', outcome: 'done', reason: 'the final' },
  ]);
  for (const wrong of [{}, { kind: 'return', durationMs: 1_000 }, { kind: 'out', inMs: -1 }])
    await expectRefusal(() => post('/channels/ch-2/splices', wrong), 400, 'bad-request');
  await expectRefusal(() => post('/channels/ch-3/splices', { kind: 'return' }), 409, 'conflict');
  await expectRefusal(() => post('/channels/none/splices', { kind: 'out' }), 404, 'unknown-channel');
});

test('a channel is added with the defaults, and removed', async () => {
  for (const encoder of api.swarm.encoders.values()) encoder.capacityUnits = 12;
  const added = await post('/channels', { id: 'news' });
  expect(added.status).toBe(201);
  expect(added.body.notes).toEqual([]);
  expect(added.body).toMatchObject({ id: 'news', framesPerSecond: 25, gopDurationTicks: 180_000 });
  expect(added.body.ladder).toHaveLength(3);
  expect(added.body.onAir).toEqual({ withinSeconds: 14, inTheWay: [] });
  expect(api.swarm.channels.has('news')).toBe(true);
  const removed = await ask(`${api.url}/api/channels/news`, { method: 'DELETE' });
  expect(removed).toEqual({ status: 204, body: undefined });
  expect(api.swarm.channels.has('news')).toBe(false);
});

describe('a change of a channel', () => {
  const patch = (path: string, json: object) => ask(`${api.url}/api${path}`, { method: 'PATCH', json });
  const rung = (name: string, widthPx = 320) => ({
    ...{ name, widthPx, heightPx: 180, crf: 26, maxBitrateKbps: 400 },
  });

  test('answers what the channel is then', async () => {
    const ladder = [rung('a'), rung('b')];
    const { status, body } = await patch('/channels/ch-3', { ladder });
    expect(status).toBe(200);
    expect(body).toEqual({ ...channelWithDefaults('ch-3'), ladder, viewersPerRung: [0] });
    expect(api.swarm.channels.get('ch-3')?.spec).toEqual(body);
  });

  test.each([
    ['/channels/nobody', { ladder: [rung('a')] }, 404, 'unknown-channel'],
    ['/channels/ch-3', { ladder: [rung('a'), rung('a')] }, 409, 'conflict'],
    ['/channels/ch-3', { ladder: [rung('a', 7_680)], viewersPerRung: [] }, 409, 'unplaceable'],
    ['/channels/ch-3', { ladder: [] }, 400, 'bad-request'],
    ['/channels/ch-3', { framesPerSecond: 50 }, 400, 'bad-request'],
  ])('%s %j is refused, and nothing is changed', async (path, json, status, code) => {
    const before = api.swarm.snapshot();
    const refused = await patch(path, json);
    expect([refused.status, refused.body.error.code]).toEqual([status, code]);
    expect(api.swarm.snapshot()).toBe(before);
  });
});

test('a rate that is no whole number comes with a GOP of whole pictures, and is refused as a decimal', async () => {
  const added = await post('/channels', { id: 'ntsc', framesPerSecond: '60000/2002' });
  expect(added.body).toMatchObject({ framesPerSecond: '30000/1001', gopDurationTicks: 180_180 });
  const own = await post('/channels', { id: 'own', framesPerSecond: '30000/1001', gopDurationTicks: 90_090 });
  expect(own.body).toMatchObject({ gopDurationTicks: 90_090 });
  const before = api.swarm.snapshot();
  const refused = await post('/channels', { id: 'bad', framesPerSecond: 29.97 });
  expect(refused.status).toBe(400);
  expect(refused.body.error.message).toMatch(
    /framesPerSecond: use a whole number .*"30000\/1001" for 29\.97/,
  );
  expect(api.swarm.snapshot()).toBe(before);
});

test('cordon, drain and uncordon show at once', async () => {
  await ask(`${api.url}/api/status`);
  const shown = async (): Promise<unknown> => (await ask(`${api.url}/api/encoders`)).body[1];
  expect((await post('/encoders/enc-2/cordon')).body).toEqual({ encoderId: 'enc-2', done: 'cordon' });
  expect(await shown()).toMatchObject({ cordoned: true, draining: false });
  expect((await post('/encoders/enc-2/drain')).status).toBe(200);
  expect(await shown()).toMatchObject({ cordoned: true, draining: true });
  expect((await post('/encoders/enc-2/uncordon')).status).toBe(200);
  expect(await shown()).toMatchObject({ cordoned: false, draining: false });
});

test.each([
  ['refused', 'no-target', 409],
  ['refused', 'conflict', 409],
  ['refused', 'unknown-encoder', 404],
  ['compensated', 'session-failed', 409],
  ['compensated', 'encoder-unreachable', 503],
  ['compensated', 'timeout', 408],
  ['unresolved', 'unavailable', 503],
  ['compensated', 'TypeError', 500],
] as const)('a handoff that ended %s with %s: status %i, with the run that tells why', async (...given) => {
  const [outcome, code, status] = given;
  const ports = api.swarm.ports();
  const failure = { code, message: 'It went wrong.' };
  ports.orchestration.move = async (id) =>
    moveResult(
      id,
      'enc-1',
      'enc-2',
      3,
      { reason: 'operator' },
      {
        ...{ outcome, ownerEncoderId: 'enc-1', workflowId: 'handoff/ch-1/5', failure },
      },
    );
  api.swarm.ports = () => ports;
  const other = await startFakeApi(api.swarm);
  const answer = await ask(`${other.url}/api/channels/ch-1/handoff`, { json: {} });
  await other.stop();
  expect(answer).toEqual({
    status,
    body: {
      error: {
        code: status === 500 ? 'internal' : code,
        message: 'It went wrong.',
        hint: 'ch-1 is on enc-1. See: encoder-swarm explain handoff/ch-1/5',
        details: { outcome, workflowId: 'handoff/ch-1/5' },
      },
    },
  });
});

test('a handoff that went to a third encoder is answered with its result', async () => {
  const ports = api.swarm.ports();
  const failure = { code: 'session-failed', message: 'It went wrong.' };
  const result = moveResult(
    'ch-1',
    'enc-1',
    'enc-3',
    4,
    { reason: 'operator' },
    { outcome: 'recovered', failure },
  );
  ports.orchestration.move = async () => result;
  api.swarm.ports = () => ports;
  const other = await startFakeApi(api.swarm);
  const answer = await ask(`${other.url}/api/channels/ch-1/handoff`, { json: {} });
  await other.stop();
  expect(answer).toEqual({ status: 200, body: result });
});

describe('refuses, and changes nothing:', () => {
  const refusals: [string, () => Promise<Answer>, number, ErrorCode][] = [
    ['unknown channel', () => post('/channels/ch-9/handoff'), 404, 'unknown-channel'],
    ['unknown encoder', () => post('/channels/ch-1/handoff', { encoderId: 'enc-9' }), 404, 'unknown-encoder'],
    ['handoff to itself', () => post('/channels/ch-1/handoff', { encoderId: 'enc-1' }), 409, 'same-encoder'],
    ['cordoned', () => post('/channels/ch-1/handoff', { encoderId: 'enc-3' }), 409, 'encoder-cordoned'],
    ['full', () => post('/channels/ch-4/handoff', { encoderId: 'enc-1' }), 409, 'encoder-full'],
    [
      'incompatible',
      () => post('/channels/ch-1/handoff', { encoderId: 'enc-2' }),
      409,
      'encoder-incompatible',
    ],
    ['move under way', () => post('/channels/ch-6/handoff', { encoderId: 'enc-2' }), 409, 'move-in-progress'],
    ['existing channel', () => post('/channels', { id: 'ch-1' }), 409, 'channel-exists'],
    [
      'input without video',
      () => post('/channels', { id: 'bad', input: { kind: 'url', url: 'notes.txt' } }),
      422,
      'input-not-video',
    ],
    [
      'removal of none',
      () => ask(`${api.url}/api/channels/ch-9`, { method: 'DELETE' }),
      404,
      'unknown-channel',
    ],
    ['cordon of none', () => post('/encoders/enc-9/cordon'), 404, 'unknown-encoder'],
    ['bad channel id', () => post('/channels', { id: 'Not An Id' }), 400, 'bad-request'],
    ['id of another kind', () => post('/channels', { id: 7 }), 400, 'bad-request'],
    ['no id', () => post('/channels', {}), 400, 'bad-request'],
    ['a list for a channel', () => post('/channels', []), 400, 'bad-request'],
    ['unknown field', () => post('/channels', { id: 'a', colour: 'red' }), 400, 'bad-request'],
    ['ladder of nothing', () => post('/channels', { id: 'a', ladder: [] }), 400, 'bad-request'],
    ['bad path id', () => post('/channels/..%2Fswarm/handoff'), 400, 'bad-request'],
    ['bad rungs', () => post('/channels/ch-1/handoff', { rungs: 0 }), 400, 'bad-request'],
    ['bad target', () => post('/channels/ch-1/handoff', { encoderId: '../x' }), 400, 'bad-request'],
    ['bad request id', () => post('/channels/ch-1/handoff', { requestId: 'a b' }), 400, 'bad-request'],
    ['body for a cordon', () => post('/encoders/enc-1/cordon', { force: true }), 400, 'bad-request'],
    [
      'no JSON',
      () =>
        ask(`${api.url}/api/channels`, { body: '{"id": ', headers: { 'content-type': 'application/json' } }),
      400,
      'bad-request',
    ],
    [
      'oversized body',
      () => post('/channels', { id: 'a', input: { kind: 'url', url: 'x'.repeat(100_000) } }),
      400,
      'bad-request',
    ],
    ['bad subject', () => ask(`${api.url}/api/explain/%3Cscript%3E`), 400, 'bad-request'],
    ['unknown workflow', () => ask(`${api.url}/api/explain/handoff/ch-1/99`), 404, 'not-found'],
    ['unknown channel to explain', () => ask(`${api.url}/api/explain/ch-9`), 404, 'unknown-channel'],
  ];
  test.each(refusals)('%s', async (_name, act, status, code) => {
    api.swarm.cordons['enc-3'] = { draining: false, by: 'operator', atMs: 1 };
    api.swarm.full.add('enc-1');
    api.swarm.incompatible.add('enc-2');
    api.swarm.moving.add('ch-6');
    api.swarm.notVideo.add('notes.txt');
    await expectRefusal(act, status, code);
  });

  test.each(['/channels', '/channels/ch-1/handoff', '/encoders/enc-1/drain'])(
    '%s while Temporal is away: 503 with the hint; reads go on',
    async (path) => {
      api.swarm.silent.add('temporal');
      const { body } = await expectRefusal(
        () => post(path, path === '/channels' ? { id: 'news' } : {}),
        503,
        'unavailable',
      );
      expect(body.error.hint).toContain('Start');
      expect((await ask(`${api.url}/api/status`)).status).toBe(200);
    },
  );
});

describe('other origins', () => {
  const json = { 'content-type': 'application/json' };
  const cordon = (headers: Record<string, string>, body = '{}'): Promise<Answer> =>
    ask(`${api.url}/api/encoders/enc-1/cordon`, { body, headers });

  test.each([
    ['another site', { ...json, origin: 'https://evil.example' }],
    ['another port of this machine', { ...json, origin: 'http://127.0.0.1:1' }],
    ['a page without origin', { ...json, origin: 'null' }],
    ['cross-site by fetch metadata', { ...json, 'sec-fetch-site': 'cross-site' }],
    ['same site, other origin', { ...json, 'sec-fetch-site': 'same-site' }],
  ])('%s may not command', async (_name, headers) => {
    await expectRefusal(() => cordon(headers), 403, 'cross-origin');
  });

  test.each([
    ['form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['text', { 'content-type': 'text/plain' }],
    ['text that looks like JSON', { 'content-type': 'text/plain; application/json' }],
  ])('a body sent as %s is refused', async (_name, headers) => {
    await expectRefusal(() => cordon(headers), 400, 'bad-request');
  });

  test('its own page may', async () => {
    expect((await cordon({ ...json, origin: api.url, 'sec-fetch-site': 'same-origin' })).status).toBe(200);
  });

  test('a name that is not its own is refused, also for reads (DNS rebinding)', async () => {
    const raw = (host: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const socket = connect(api.port, '127.0.0.1', () =>
          socket.write(`GET /api/status HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
        );
        let text = '';
        socket.on('data', (chunk) => (text += chunk.toString()));
        socket.on('end', () => resolve(text.split('\r\n')[0]!)).on('error', reject);
      });
    expect(await raw('evil.example')).toContain('403');
    expect(await raw(`evil.example:${api.port}`)).toContain('403');
    expect(await raw(`localhost:${api.port}`)).toContain('200');
    expect(await raw(`[::1]:${api.port}`)).toContain('200');
  });
});
