import type { RunningApi } from '../../src/api/server';
import type { SourceChannel } from '../../src/contracts/source';
import { runCli } from '../cli/run-cli';
import { sourceChannel } from '../support/wire';
import { FakeSwarm } from './fake-swarm';
import { ask, startFakeApi, type Answer } from './running-api';

const P720 = { name: '720p', widthPx: 1280, heightPx: 720, crf: 24, maxBitrateKbps: 3_000 };

let swarm: FakeSwarm;
let api: RunningApi;
beforeEach(async () => {
  swarm = new FakeSwarm();
  // What its channels need changes with the time: there is room for all of it.
  for (const encoder of swarm.encoders.values()) encoder.capacityUnits = 12;
  api = await startFakeApi(swarm);
});
afterEach(() => api.stop());

const add = (body: Record<string, unknown>): Promise<Answer> =>
  ask(`${api.url}/api/channels`, { json: { id: 'news', ...body } });
/** The API again, with a source that says this of the channel. */
const withSource = async (source: Partial<SourceChannel>): Promise<void> => {
  const ports = swarm.ports();
  ports.parts.source.channels = async () => [sourceChannel({ id: 'news', ...source })];
  swarm.ports = () => ports;
  await api.stop();
  api = await startFakeApi(swarm);
};

test('a rendition that no encoder could ever take is refused at once, and nothing is changed', async () => {
  const before = swarm.snapshot();
  const { status, body } = await add({ ladder: [P720], viewersPerRung: [] });
  expect(status).toBe(409);
  expect(body.error).toEqual({
    code: 'unplaceable',
    message:
      'No encoder of the swarm could ever take 720p of news (1280x720 at 25 frames/s): it needs 16 units, and the ' +
      'largest encoder that may take it has 12 units.',
    hint:
      'Make its pictures smaller or fewer (720p alone needs 16 units; 320x180 at 25 pictures/s is one unit), leave it ' +
      'out of the ladder, or add an encoder of 16 units or more first.',
    details: { rendition: '720p', neededUnits: 16, largestUnits: 12 },
  });
  expect(swarm.snapshot()).toBe(before);
});

test('a region without encoders likewise', async () => {
  const { status, body } = await add({ region: 'us' });
  expect({ status, code: body.error.code }).toEqual({ status: 409, code: 'unplaceable' });
  expect(body.error.message).toMatch(/enc-1 is in region eu, the channel in us\.$/);
});

test('so is a ladder whose codec no encoder has, until one has it', async () => {
  const hevc = { name: 'a', widthPx: 320, heightPx: 180, crf: 28, maxBitrateKbps: 400, codec: 'libx265' };
  const body = { ladder: [hevc], viewersPerRung: [] };
  for (const encoder of swarm.encoders.values())
    encoder.codecs = [{ codec: 'libx264', pixelFormats: ['yuv420p'] }];
  const refused = await add(body);
  expect({ status: refused.status, code: refused.body.error.code }).toEqual({
    status: 409,
    code: 'unplaceable',
  });
  expect(refused.body.error.message).toMatch(/: enc-1 has no libx265, which a is encoded with\.$/);
  [...swarm.encoders.values()].at(-1)!.codecs = [{ codec: 'libx265', pixelFormats: ['yuv420p'] }];
  // What an encoder says of itself is kept for a while.
  await api.stop();
  api = await startFakeApi(swarm);
  expect((await add(body)).status).toBe(201);
  const divided = { ...hevc, codec: 'libx264', frameRateDivisor: 3 };
  const odd = await add({ ...body, id: 'news-2', ladder: [divided] });
  expect(odd.body.error).toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('frameRateDivisor 3 does not divide the 50 frames'),
  });
});

test('while an encoder has not said what it is, the same is accepted, and waits', async () => {
  swarm.silent.add('enc-3');
  const { status, body } = await add({ ladder: [P720], viewersPerRung: [] });
  expect(status).toBe(201);
  expect(body.onAir).toEqual({
    withinSeconds: null,
    inTheWay: [expect.stringMatching(/^No encoder can take news: .*It comes on air as soon as one has room/)],
  });
});

test('encoders that are merely full: accepted, and said', async () => {
  for (const encoder of swarm.encoders.values()) encoder.capacityUnits = 3.5;
  for (const channel of swarm.channels.values()) channel.rungs = 3;
  const { status, body } = await add({});
  expect(status).toBe(201);
  expect(body.onAir.withinSeconds).toBeNull();
  expect(body.onAir.inTheWay[0]).toMatch(/enc-2 would need .* units at P90, over its capacity of 3\.5/);
});

test('an input that has not answered yet is said to be in the way', async () => {
  await withSource({
    state: 'failed',
    error: 'The input http://127.0.0.1:9/x could not be opened within 10 s.',
  });
  const { status, body } = await add({ input: { kind: 'url', url: 'http://127.0.0.1:9/x' } });
  expect(status).toBe(201);
  expect(body.onAir).toEqual({
    withinSeconds: null,
    inTheWay: [
      'The input of news has failed: The input http://127.0.0.1:9/x could not be opened within 10 s. It is tried again until it comes back.',
    ],
  });
});

test.each([
  ['for a while', 60_000, ['The input of news has not answered yet; it is tried until it does.']],
  ['since a moment', 0, []],
])('an input that is being opened %s, in the status', async (_, agoMs, problems) => {
  await withSource({ state: 'opening', startedAtMs: Date.now() - agoMs });
  await add({});
  const { body } = await ask(`${api.url}/api/status`);
  expect((body.problems as string[]).filter((problem) => problem.includes('input'))).toEqual(problems);
});

describe('the command line', () => {
  const cli = (...args: string[]) => runCli(['channel', 'add', ...args, '--api', api.url]);

  test('says when it will be on air', async () => {
    expect((await cli('news')).stdout).toBe('news is added; it is usually on air within 14 s.\n');
    expect(JSON.parse((await cli('news-2', '--json')).stdout).onAir).toEqual({
      withinSeconds: 14,
      inTheWay: [],
    });
  });

  test('or what is in the way', async () => {
    await withSource({ state: 'opening' });
    expect((await cli('news')).stdout).toBe(
      'news is added, and is not on air yet:\n! The input of news has not answered yet; it is tried until it does.\n',
    );
  });
});
