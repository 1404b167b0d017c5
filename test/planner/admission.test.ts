import type { ChannelSpec, EncoderObservation, SwarmSnapshot } from '../../src/domain';
import { channelWithDefaults } from '../../src/domain/default-channels';
import { admissionOf, type Admission } from '../../src/planner';
import { channelOn, defaultPolicy, defaultSwarm, encoderWith, withTelemetry, NOW_MS } from './swarm-fixtures';

const P720 = { name: '720p', widthPx: 1280, heightPx: 720, crf: 24, maxBitrateKbps: 3_000 };
const news = (over: Partial<ChannelSpec> = {}): ChannelSpec => ({ ...channelWithDefaults('news'), ...over });
const admit = (spec: ChannelSpec, snapshot: SwarmSnapshot = defaultSwarm(), isFleetKnown = true): Admission =>
  admissionOf({ snapshot, spec, forecast: null, policy: defaultPolicy, isFleetKnown });
const withEncoders = (over: Partial<EncoderObservation>): SwarmSnapshot => {
  const swarm = defaultSwarm();
  return { ...swarm, encoders: swarm.encoders.map((encoder) => ({ ...encoder, ...over })) };
};

test('with room it names the encoder', () => {
  expect(admit(news())).toEqual({ kind: 'room', encoderId: 'enc-1' });
});

test('a rendition of 16 units is never taken by hosts of 6', () => {
  expect(admit(news({ ladder: [P720], viewersPerRung: [] }))).toMatchObject({
    kind: 'never',
    rungs: 1,
    neededUnits: 16,
    barrier: { kind: 'size', largestUnits: 6 },
  });
});

test('the largest of the hosts is named', () => {
  const swarm = defaultSwarm();
  const larger = encoderWith('enc-4', { capacityUnits: 9 });
  const admission = admit(news({ ladder: [P720], viewersPerRung: [] }), {
    ...swarm,
    encoders: [...swarm.encoders, larger],
  });
  expect(admission).toMatchObject({ kind: 'never', barrier: { kind: 'size', largestUnits: 9 } });
});

test.each<[string, SwarmSnapshot, string]>([
  ['no host', { ...defaultSwarm(), encoders: [] }, 'there is none'],
  ['hosts without sessions', withEncoders({ maxSessions: 0 }), 'enc-1 takes no session'],
])('%s can never take a channel', (_, swarm, why) => {
  expect(admit(news(), swarm)).toMatchObject({ kind: 'never', barrier: { kind: 'place', why } });
});

test('nor is one higher up in the ladder: with those before it', () => {
  const [smallest] = news().ladder;
  expect(admit(news({ ladder: [smallest!, P720], viewersPerRung: [100] }))).toMatchObject({
    kind: 'never',
    rungs: 2,
    rendition: { name: '720p' },
    neededUnits: 17,
  });
});

test('one host that is large enough is enough, also while it is away, cordoned and full', () => {
  const swarm = defaultSwarm();
  const away = encoderWith('enc-4', { capacityUnits: 17, reachable: false, cordoned: true, draining: true });
  const admission = admit(news({ ladder: [P720], viewersPerRung: [] }), {
    ...swarm,
    encoders: [...swarm.encoders, away],
  });
  expect(admission).toMatchObject({ kind: 'waits', why: expect.stringMatching(/enc-4 does not answer/) });
});

test('hosts that are merely full are said to be', () => {
  const channels = Array.from({ length: 6 }, (_, i) =>
    channelOn(channelWithDefaults(`ch-${i + 1}`), 'enc-1', { rungs: 1 }),
  );
  const full = withTelemetry({ cell: 'local', atMs: NOW_MS, encoders: [encoderWith('enc-1')], channels });
  expect(admit(news(), full)).toMatchObject({
    kind: 'waits',
    why: expect.stringMatching(
      /^No encoder can take news: enc-1 would need 7.* units at P90, over its capacity of 6/,
    ),
  });
});

test.each<[string, Partial<EncoderObservation>, RegExp]>([
  ['cordoned', { cordoned: true }, /enc-1 is cordoned/],
  ['drained', { cordoned: true, draining: true }, /enc-1 is being drained/],
  ['silent', { reachable: false }, /enc-1 does not answer/],
])('all of them %s: it waits', (_, over, why) => {
  expect(admit(news(), withEncoders(over))).toMatchObject({ kind: 'waits', why: expect.stringMatching(why) });
});

test.each<[string, Partial<ChannelSpec>, RegExp]>([
  ['another region', { region: 'us' }, /enc-1 is in region eu, the channel in us/],
  ['an encoder that is not there', { placement: { encoderId: 'enc-9' } }, /enc-1 is not enc-9/],
  ['a zone that is not there', { placement: { zone: 'z' } }, /is pinned to zone z/],
])('%s: never', (_, over, why) => {
  expect(admit(news(over))).toMatchObject({
    kind: 'never',
    barrier: { kind: 'place', why: expect.stringMatching(why) },
  });
});

test('a pin to a build is not for ever: any encoder may be brought to it', () => {
  expect(admit(news({ placement: { buildId: 'b-9' } })).kind).toBe('waits');
});

test('while it is not known what all encoders are, nothing is impossible', () => {
  expect(admit(news({ ladder: [P720], viewersPerRung: [] }), defaultSwarm(), false).kind).toBe('waits');
  expect(admit(news(), { ...defaultSwarm(), encoders: [], channels: [] }, false).kind).toBe('waits');
});

test('a large fleet is counted, not listed', () => {
  const encoders = Array.from({ length: 30 }, (_, i) =>
    encoderWith(`enc-${i + 1}`, i < 20 ? { cordoned: true } : { capacityUnits: 0.5 }),
  );
  const admission = admit(
    news(),
    withTelemetry({ cell: 'local', atMs: NOW_MS, encoders, channels: [] }),
    false,
  );
  expect(admission).toEqual({
    kind: 'waits',
    why: 'No encoder can take news: 20 do not answer, are cordoned or being drained; 10 have no room.',
  });
});

const HEVC = { ...P720, name: 'hevc', widthPx: 320, heightPx: 180, codec: 'libx265' as const };
const has = (...codecs: string[]) => ({
  codecs: codecs.map((codec) => ({ codec, pixelFormats: ['yuv420p', 'yuv420p10le'] })),
});

test('a channel goes to an encoder that has its codecs, however well the others fit', () => {
  const swarm = defaultSwarm();
  const [, , last] = swarm.encoders;
  const encoders = swarm.encoders.map((encoder) => ({
    ...encoder,
    ...has(...(encoder === last ? ['libx264', 'libx265'] : ['libx264'])),
  }));
  const spec = news({ ladder: [news().ladder[0]!, HEVC], viewersPerRung: [0] });
  expect(admit(spec, { ...swarm, encoders })).toEqual({ kind: 'room', encoderId: last!.id });
  expect(admit(news(), { ...swarm, encoders })).toEqual({ kind: 'room', encoderId: 'enc-1' });
  expect(admit(spec, withEncoders(has('libx264')))).toMatchObject({
    kind: 'never',
    barrier: { kind: 'place', why: 'enc-1 has no libx265, which hevc is encoded with' },
  });
});

test('nothing goes to an encoder that lacks what every host is taken to have', () => {
  const swarm = defaultSwarm();
  const encoders = swarm.encoders.map((encoder, i) => ({
    ...encoder,
    ...has(i < 2 ? 'libx265' : 'libx264'),
  }));
  expect(admit(news(), { ...swarm, encoders })).toEqual({ kind: 'room', encoderId: 'enc-3' });
  expect(admit(news(), withEncoders(has('libx265')))).toMatchObject({
    barrier: { kind: 'place', why: expect.stringMatching(/^enc-1 has no libx264/) },
  });
});

test('an encoder of version 1 is taken to make what that version can say, and no more', () => {
  const divided = { ...P720, widthPx: 320, heightPx: 180, frameRateDivisor: 2 as const };
  expect(admit(news({ ladder: [divided], viewersPerRung: [] }))).toMatchObject({
    barrier: { kind: 'place', why: expect.stringContaining('it speaks version 1 of the contract') },
  });
  expect(admit(news({ ladder: [divided], viewersPerRung: [] }), withEncoders(has('libx264')))).toMatchObject({
    kind: 'room',
  });
});
