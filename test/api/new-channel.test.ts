import { sessionOrder } from '../../src/contracts/encoder/requests';
import { SwarmError, type Rendition } from '../../src/domain';
import { inputFacts } from '../support/wire';
import { ask, startFakeApi, type Answer } from './running-api';

const url = 'http://camera/live.ts';
const input = { kind: 'url', url };

let api: Awaited<ReturnType<typeof startFakeApi>>;
beforeEach(async () => {
  api = await startFakeApi();
});
afterEach(() => api.stop());

const add = (json: object): Promise<Answer> =>
  ask(`${api.url}/api/channels`, { json: { id: 'news', ...json } });
const sizesOf = ({ body }: Answer): string[] =>
  (body.ladder as Rendition[]).map((rung) => `${rung.widthPx}x${rung.heightPx}`);

test('follows its input in size and rate, as far as an encoder carries it, and says where it ends', async () => {
  api.swarm.facts = inputFacts({ widthPx: 1280, heightPx: 720, frameRate: '30000/1001' });
  const added = await add({ input });
  expect(added.status).toBe(201);
  expect(added.body).toMatchObject({ framesPerSecond: '30000/1001', gopDurationTicks: 180_180 });
  // Encoders of the fake swarm have 6 units, and may be filled to 80 %.
  expect(sizesOf(added)).toEqual(['640x360']);
  expect(added.body.viewersPerRung).toEqual([]);
  expect(added.body.notes).toEqual([
    expect.stringMatching(
      /1280x720 at 29.97 frames\/s, 19.18 encode units; an encoder here carries 4.80. So its ladder ends at 640x360/,
    ),
  ]);
  expect(api.swarm.channels.get('news')?.spec.ladder).toEqual(added.body.ladder);
});

test('has the size of an input that an encoder carries, and no note', async () => {
  api.swarm.facts = inputFacts({ widthPx: 400, heightPx: 300, frameRate: '25' });
  const added = await add({ input });
  expect(sizesOf(added)).toEqual(['200x150', '400x300']);
  expect(added.body).toMatchObject({ framesPerSecond: 25, gopDurationTicks: 180_000, notes: [] });
});

test('says what of its input is left out', async () => {
  const note = 'Stream 2 (audio, aac, eng) is left out. It belongs to another programme.';
  api.swarm.facts = { ...inputFacts({ widthPx: 400, heightPx: 300, frameRate: '25' }), notes: [note] };
  expect((await add({ input })).body.notes).toEqual([note]);
});

test('a generated picture of another size has a ladder of its own', async () => {
  const added = await add({
    input: { kind: 'generated', widthPx: 640, heightPx: 360 },
    framesPerSecond: '30000/1001',
  });
  expect(sizesOf(added)).toEqual(['640x360']);
  expect(added.body).toMatchObject({ framesPerSecond: '30000/1001', gopDurationTicks: 180_180, notes: [] });
  const small = await add({ id: 'small', input: { kind: 'generated' } });
  expect(sizesOf(small)).toEqual(['320x180', '256x144', '426x240']);
});

test('what is given goes before what the input is', async () => {
  api.swarm.facts = inputFacts({ widthPx: 1280, heightPx: 720, frameRate: '50' });
  const ladder = [
    { name: 'a', widthPx: 320, heightPx: 180, crf: 26, maxBitrateKbps: 400 },
    { name: 'b', widthPx: 160, heightPx: 90, crf: 26, maxBitrateKbps: 200 },
  ];
  const added = await add({ input, ladder, framesPerSecond: 25 });
  // Where no audience is named, every rung is always on air.
  expect(added.body).toMatchObject({ ladder, viewersPerRung: [0], framesPerSecond: 25, notes: [] });
});

test.each([
  ['as-is', 'interlaced', 'frame'],
  ['encoded', 'interlaced', undefined],
  ['as-is', 'progressive', undefined],
] as const)('a picture that is carried %s and %s is deinterlaced: %s', async (carried, scan, deinterlace) => {
  api.swarm.facts = inputFacts({ carried, scan });
  expect((await add({ input })).body.deinterlace).toBe(deinterlace);
});

test('a picture is deinterlaced whatever else was chosen', async () => {
  api.swarm.facts = inputFacts({ scan: 'interlaced' });
  const ladder = [{ name: 'a', widthPx: 320, heightPx: 180, crf: 26, maxBitrateKbps: 400 }];
  expect((await add({ input, ladder, framesPerSecond: 25 })).body).toMatchObject({
    ...{ ladder, deinterlace: 'frame', framesPerSecond: 25 },
  });
});

test.each([
  ['25', 50],
  ['30000/1001', '60000/1001'],
])('of %s pictures of two fields each, one by field has %s', async (frameRate, framesPerSecond) => {
  api.swarm.facts = inputFacts({ scan: 'interlaced', frameRate });
  expect((await add({ input, deinterlace: 'field' })).body).toMatchObject({
    deinterlace: 'field',
    framesPerSecond,
  });
});

test('sessions learn the colours of the input, and of another one in its place', async () => {
  api.swarm.facts = inputFacts({ colour: 'pq' });
  await add({ input });
  const ordered = () => {
    const { spec } = api.swarm.channels.get('news')!;
    const place = { sessionId: 's', feedUrl: 'http://relay/feed', originUrl: 'http://origin', fromGop: 0 };
    return sessionOrder(spec, place).inputColour;
  };
  expect(ordered()).toBe('pq');
  const change = (json: object): Promise<Answer> =>
    ask(`${api.url}/api/channels/news`, { method: 'PATCH', json });
  api.swarm.facts = inputFacts({ colour: 'bt709-full' });
  const other = { kind: 'url', url: 'http://camera/other.ts' };
  await change({ input: other });
  expect(ordered()).toBe('bt709-full');
  api.swarm.facts = new SwarmError('timeout', 'The source did not answer within 12000 ms');
  await change({ input: { ...other, url: 'http://camera/third.ts' } });
  expect(ordered()).toBeUndefined();
});

test('another input of a channel decides anew whether it is deinterlaced', async () => {
  await add({ input });
  const change = (json: object): Promise<Answer> =>
    ask(`${api.url}/api/channels/news`, { method: 'PATCH', json });
  const other = { input: { kind: 'url', url: 'http://camera/other.ts' } };
  api.swarm.facts = inputFacts({ scan: 'interlaced' });
  expect((await change(other)).body).toMatchObject({ ...other, deinterlace: 'frame' });
  expect(api.swarm.channels.get('news')?.spec.deinterlace).toBe('frame');
  // By hand it stays what was chosen.
  expect((await change({ ...other, deinterlace: 'none' })).body.deinterlace).toBe('none');
  await change({ deinterlace: 'frame' });
  // One that does not answer says nothing of it.
  api.swarm.facts = new SwarmError('timeout', 'The source did not answer within 12000 ms');
  expect((await change(other)).body.deinterlace).toBe('frame');
  api.swarm.facts = inputFacts({ scan: 'progressive' });
  expect((await change({ input })).body.deinterlace).toBe('none');
  api.swarm.facts = new SwarmError('input-not-video', 'It is no video.');
  expect(await change(other)).toMatchObject({ status: 422, body: { error: { code: 'input-not-video' } } });
});

test('a rate that varies is said', async () => {
  api.swarm.facts = inputFacts({ frameRate: null });
  const added = await add({ input });
  expect(added.body).toMatchObject({
    framesPerSecond: 25,
    notes: [expect.stringContaining('no frame rate that a channel can follow: the channel has 25 frames/s')],
  });
});

test('an input that does not answer gets the default ladder, and the answer says so', async () => {
  api.swarm.facts = new SwarmError('timeout', 'The source did not answer within 12000 ms');
  const added = await add({ input });
  expect(added.status).toBe(201);
  expect(sizesOf(added)).toEqual(['320x180', '256x144', '426x240']);
  expect(added.body.notes).toEqual([expect.stringContaining('could not be looked at (The source did not')]);
});

test.each<[object, number, string, RegExp]>([
  [
    { ladder: [{ name: 'a', widthPx: 320, heightPx: 180, maxBitrateKbps: 300 }] },
    409,
    'conflict',
    /Rung 1 of the ladder: crf: expected number, as rateControl is crf/,
  ],
  [{ input }, 422, 'input-not-video', /no video/],
  [
    { ladder: [{ name: 'a', widthPx: 320, heightPx: 180, crf: 99, maxBitrateKbps: 1 }] },
    400,
    'bad-request',
    /ladder\.0\.crf.*ladder\.0\.maxBitrateKbps/,
  ],
  [{ viewersPerRung: [5, 2] }, 409, 'conflict', /viewersPerRung/],
])('%j is refused, and nothing is changed', async (given, status, code, message) => {
  api.swarm.facts = new SwarmError('input-not-video', 'It is no video.');
  const before = api.swarm.snapshot();
  const refused = await add(given);
  expect(refused.status).toBe(status);
  expect(refused.body.error).toMatchObject({ code, message: expect.stringMatching(message) });
  expect(api.swarm.snapshot()).toBe(before);
});

test('a channel may have a time zone of its own, of those that there are', async () => {
  expect((await add({ timeZone: 'Europe/Berlin' })).body).toMatchObject({ timeZone: 'Europe/Berlin' });
  const refused = await add({ timeZone: 'Europe/Atlantis' });
  expect(refused).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
  expect(JSON.stringify(refused.body)).toContain('There is no time zone Europe/Atlantis.');
});
