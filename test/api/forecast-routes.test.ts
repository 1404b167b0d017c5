import type { RunningApi } from '../../src/api/server';
import { accuracySchema, forecastsSchema, statusSchema, whatIfAnswerSchema } from '../../src/contracts/api';
import type { FakeSwarm } from './fake-swarm';
import { ask, startFakeApi, type Answer } from './running-api';

let api: RunningApi & { swarm: FakeSwarm };
beforeEach(async () => {
  api = await startFakeApi();
});
afterEach(() => api.stop());
const url = (path: string): string => `${api.url}/api${path}`;
const HOUR = 3_600_000;

const event = (more: object = {}) => ({
  ...{ id: 'final', title: 'Cup final', startsAtMs: Date.now() + HOUR, endsAtMs: Date.now() + 3 * HOUR },
  ...more,
});

test('events: added with defaults, listed, shown beside forecasts, removed', async () => {
  const added = await ask(url('/events'), { json: event({ channelIds: ['ch-1'] }) });
  expect(added).toMatchObject({ status: 201, body: { id: 'final', level: 1, channelIds: ['ch-1'] } });
  expect((await ask(url('/events'))).body).toEqual([added.body]);
  await ask(url('/events'), { json: event({ id: 'soon', startsAtMs: Date.now() + 1_000 }) });
  const forecasts = forecastsSchema.parse((await ask(url('/forecasts'))).body);
  expect(forecasts.events.map(({ id }) => id).sort()).toEqual(['final', 'soon']);
  expect(forecasts.regions).toMatchObject([{ id: 'eu', load: { p50: expect.arrayContaining([0.5]) } }]);
  expect(await ask(url('/events/final'), { method: 'DELETE' })).toEqual({ status: 204, body: undefined });
  expect(await ask(url('/events/final'), { method: 'DELETE' })).toMatchObject({
    status: 404,
    body: { error: { code: 'not-found', hint: expect.any(String) } },
  });
});

test.each([
  ['ends before it begins', event({ endsAtMs: 5 }), 'endsAtMs: must be after startsAtMs'],
  ['too long', event({ endsAtMs: Date.now() + 999 * HOUR }), 'at most 7 days'],
  ['too long ago', event({ startsAtMs: 5, endsAtMs: HOUR }), 'at most 29 days ago'],
  ['too far ahead', event({ startsAtMs: 9e12, endsAtMs: 9e12 + HOUR }), 'at most 400 days ahead'],
])('an event at the wrong time (%s) is refused and changes nothing', async (_name, json, cause) => {
  const told = await ask(url('/events'), { json });
  expect(told).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
  expect(JSON.stringify(told.body)).toContain(cause);
  expect(api.swarm.events.size).toBe(0);
});

test.each([
  ['no id', event({ id: '' }), 'id: use 1 to 41'],
  ['no title', event({ title: '' }), 'title'],
  ['a level of 0', event({ level: 0 }), 'level'],
  ['a word for a time', event({ startsAtMs: 'soon' }), 'startsAtMs'],
  ['more than it takes', event({ colour: 'red' }), 'colour'],
  ['no object', [], 'expected object'],
])('an event with %s is refused and changes nothing', async (_name, json, cause) => {
  const told = await ask(url('/events'), { json });
  expect(told).toMatchObject({ status: 400, body: { error: { code: 'bad-request' } } });
  expect(JSON.stringify(told.body)).toContain(cause);
  expect(api.swarm.events.size).toBe(0);
});

test('audience: what the origin counts', async () => {
  const viewers = [{ channelId: 'ch-1', rendition: '180p', region: 'eu', viewers: 12 }];
  api.swarm.audience = { atMs: 1_000, viewers };
  expect(await ask(url('/audience'))).toEqual({ status: 200, body: { atMs: 1_000, viewers } });
});

test('history: a row gets its channel’s region; what can’t be kept is refused whole', async () => {
  const nowMs = Date.now();
  const row = (atMs: number, channelId: string, more: object = {}) => ({
    atMs,
    channelId,
    viewers: 5,
    ...more,
  });
  const rows = [
    row(nowMs - HOUR, 'ch-1'),
    row(nowMs - HOUR, 'ch-1', { region: 'us' }),
    row(nowMs - HOUR, 'unknown'),
  ];
  expect(await ask(url('/history'), { json: { rows } })).toMatchObject({
    status: 200,
    body: { rows: 3, unknownChannels: ['unknown'] },
  });
  expect(api.swarm.imported.map(({ region }) => region)).toEqual(['eu', 'us', '']);
  const refused: [object, string, number?][] = [
    [{ rows: [rows[0], row(nowMs + HOUR, 'ch-1')] }, 'Row 1', 409],
    [{ rows: [row(nowMs - 31 * 24 * HOUR, 'ch-1')] }, 'older than the 30 days', 409],
    [{ rows: [{ ...rows[0], viewers: -1 }] }, 'rows.0.viewers'],
    [{ rows: [row(nowMs, 'No Id')] }, 'rows.0.channelId'],
    [{ rows: [] }, 'rows'],
    [{ rows: Array(5_001).fill(rows[0]) }, 'rows'],
    [{}, 'rows'],
  ];
  for (const [json, cause, status = 400] of refused) {
    const told = await ask(url('/history'), { json });
    expect([told.status, JSON.stringify(told.body)]).toEqual([status, expect.stringContaining(cause)]);
  }
  const headers = { 'content-type': 'application/json' };
  const broken = await ask(url('/history'), { body: '{"rows":', headers });
  expect(broken).toMatchObject({
    status: 400,
    body: { error: { message: expect.stringContaining('not JSON') } },
  });
  const large = await ask(url('/history'), { body: `{"rows":"${'x'.repeat(1 << 20)}"}`, headers });
  expect(large).toMatchObject({
    status: 400,
    body: { error: { message: expect.stringContaining('larger than 1mb') } },
  });
  expect(api.swarm.imported).toHaveLength(3);
});

test('accuracy has the documented shape, and refuses another window', async () => {
  const told = accuracySchema.parse((await ask(url('/forecasts/accuracy?steps=24'))).body);
  expect(told.series).toHaveLength(12);
  expect(told.atMs - told.sinceMs).toBe(24 * 5_000);
  expect(told).toMatchObject({ model: 'seasonal-naive', errorCorrelation: 0.5 });
  for (const steps of ['0', '1.5', 'all', '10001']) {
    expect((await ask(url(`/forecasts/accuracy?steps=${steps}`))).status).toBe(400);
  }
});

describe('what if', () => {
  const peakOf = (answer: Answer, id: string) =>
    whatIfAnswerSchema.parse(answer.body).encoders.find((e) => e.id === id)!;

  test('one channel elsewhere: both encoders change, the others are not named, nothing moves', async () => {
    const before = api.swarm.snapshot();
    const answer = await ask(url('/forecasts/what-if?channel=ch-1&encoder=enc-3'));
    expect(answer.status).toBe(200);
    const [from, to] = [peakOf(answer, 'enc-1'), peakOf(answer, 'enc-3')];
    expect(answer.body.encoders).toHaveLength(2);
    expect(from).toMatchObject({
      channelsNow: ['ch-1', 'ch-2', 'ch-3'],
      channels: ['ch-2', 'ch-3'],
      fits: true,
    });
    expect(to).toMatchObject({ channelsNow: ['ch-6'], channels: ['ch-1', 'ch-6'], fits: false });
    expect(from.peakP90!).toBeLessThan(from.peakP90Now!);
    expect(to.peakP90!).toBeGreaterThan(to.peakP90Now!);
    expect(to.peakP90!).toBeLessThan(to.peakBoundP90!);
    expect(api.swarm.snapshot()).toBe(before);
  });

  test('several at once; where they are already, nothing changes', async () => {
    const several = await ask(url('/forecasts/what-if'), {
      json: { placement: { 'ch-1': 'enc-3', 'ch-6': 'enc-1' } },
    });
    expect(peakOf(several, 'enc-1').channels).toEqual(['ch-2', 'ch-3', 'ch-6']);
    const same = await ask(url('/forecasts/what-if?channel=ch-1&encoder=enc-1'));
    expect(same.body.encoders).toEqual([]);
  });

  test('refusals', async () => {
    const get = async (query: string): Promise<string> =>
      String((await ask(url(`/forecasts/what-if?${query}`))).body.error.code);
    expect(await get('channel=ch-9&encoder=enc-1')).toBe('unknown-channel');
    expect(await get('channel=ch-1&encoder=enc-9')).toBe('unknown-encoder');
    expect(await get('channel=ch-1')).toBe('bad-request');
    expect((await ask(url('/forecasts/what-if'), { json: { placement: {} } })).status).toBe(400);
    api.swarm.silent.add('influxdb');
    const other = await startFakeApi(api.swarm);
    const told = await ask(`${other.url}/api/forecasts/what-if?channel=ch-1&encoder=enc-3`);
    await other.stop();
    expect(told).toMatchObject({ status: 503, body: { error: { code: 'unavailable' } } });
  });
});

test('drift is an alert of the status, with the leads concerned; health is not touched by it', async () => {
  const lesson = {
    widthLow: 1,
    widthHigh: 2.4,
    shift: 0,
    tooLow: 0,
    tooHigh: 0,
    targetMs: 1_700_000_000_000,
  };
  api.swarm.learned = [
    { kind: 'viewers', id: 'ch-2', lead: 8, ...lesson, alarmSteps: 5 },
    { kind: 'viewers', id: 'ch-2', lead: 4, ...lesson, alarmSteps: 1 },
    { kind: 'region_load', id: 'eu', lead: 1, ...lesson, alarmSteps: 2 },
    { kind: 'viewers', id: 'ch-3', lead: 1, ...lesson, alarmSteps: 0 },
  ];
  const status = statusSchema.parse((await ask(url('/status'))).body);
  expect(status.alerts).toEqual([
    expect.objectContaining({ kind: 'forecast-drift', subject: 'region_load/eu', atMs: lesson.targetMs }),
    expect.objectContaining({
      subject: 'viewers/ch-2',
      message: expect.stringContaining('(4, 8 steps ahead)'),
    }),
  ]);
  expect(status.problems.join()).not.toContain('drift');
});
