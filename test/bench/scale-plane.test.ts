import pino from 'pino';
import { channelOfCell } from '../../bench/scale/cell';
import { startPlane, type RunningPlane } from '../../bench/scale/plane/server';
import { EncoderClient } from '../../src/contracts/encoder/client';
import { sessionOrder } from '../../src/contracts/encoder/requests';
import { FleetAgentClient } from '../../src/contracts/fleet';
import { OriginClient } from '../../src/contracts/origin';
import { RelayClient } from '../../src/contracts/relay';
import { SourceClient } from '../../src/contracts/source';

/** The clients of the swarm check every answer by the schemas of src/contracts. */
let running: RunningPlane;
let origin: OriginClient;
let relay: RelayClient;
let encoders: Map<string, EncoderClient>;
const url = (part: 'origin' | 'relay' | 'source' | 'fleet'): string =>
  `http://127.0.0.1:${running.ports[part]}`;
const encoder = (id: string): EncoderClient => encoders.get(id)!;

beforeAll(async () => {
  const ports = { origin: 0, relay: 0, source: 0, fleet: 0 };
  running = await startPlane({ channels: 12, encoders: 3, ports }, pino({ level: 'silent' }));
  origin = new OriginClient(url('origin'));
  relay = new RelayClient(url('relay'));
  const fleet = await new FleetAgentClient(url('fleet')).list();
  encoders = new Map(fleet.map(({ id, grpcAddress }) => [id, new EncoderClient(grpcAddress)]));
});
afterAll(async () => {
  for (const client of encoders.values()) client.close();
  await running.stop();
});

test('lists, descriptions and telemetry are those of the contracts, and every channel is on air', async () => {
  expect(await relay.channels()).toHaveLength(12);
  expect(await new SourceClient(url('source')).channels()).toHaveLength(12);
  const channels = await origin.channels();
  expect(channels).toHaveLength(12);
  for (const { owner, lastPublishedAtMs } of channels) {
    const { sessions } = await encoder(owner!.encoderId).telemetry();
    const session = sessions.find(({ sessionId }) => sessionId === owner!.sessionId);
    expect(session).toMatchObject({ state: 'publishing', ready: true });
    expect(Date.now() - lastPublishedAtMs!).toBeLessThan(4_000);
  }
  expect(await encoder('enc-1').describe()).toMatchObject({ id: 'enc-1', hasSessionSecrets: true });
});

test('a handoff by its calls: the next GOP is that of the new owner, and the old one is fenced', async () => {
  const spec = channelOfCell(0);
  const before = await origin.channel(spec.id);
  const target = encoder('enc-2');
  const place = { feedUrl: relay.feedUrl(spec.id), originUrl: origin.url, fromGop: before.nextGop - 1 };
  const { secretSha256 } = await target.prepare(sessionOrder(spec, { ...place, sessionId: 'moved' }, 1));
  const owner = { encoderId: 'enc-2', sessionId: 'moved' };
  const request = { channelId: spec.id, expectToken: before.token, owner, fromGop: before.nextGop };
  const granted = await origin.own({ ...request, requestId: 'one', ownerSecretSha256: secretSha256! });
  await expect(origin.own({ ...request, requestId: 'two' })).rejects.toMatchObject({ code: 'stale-token' });
  // Until its session is committed, nobody publishes.
  await expect(origin.wait(spec.id, granted.firstGop, 50)).rejects.toMatchObject({ code: 'timeout' });
  await target.commit('moved', granted.token, granted.firstGop);
  expect(await origin.wait(spec.id, granted.firstGop, 4_000)).toMatchObject({
    gop: granted.firstGop,
    token: granted.token,
    ...owner,
  });
  const old = await encoder(before.owner!.encoderId).session(before.owner!.sessionId);
  expect(old.state).toBe('fenced');
  await encoder(before.owner!.encoderId).release(before.owner!.sessionId);
  await expect(encoder(before.owner!.encoderId).session(before.owner!.sessionId)).rejects.toMatchObject({
    code: 'unknown-session',
  });
});

test('an encoder takes no more sessions than it has room for', async () => {
  const spec = channelOfCell(3);
  const place = { feedUrl: relay.feedUrl(spec.id), originUrl: origin.url, fromGop: 0 };
  const fill = async (): Promise<void> => {
    for (let i = 0; i < 100; i += 1)
      await encoder('enc-3').prepare(sessionOrder(spec, { ...place, sessionId: `fill-${i}` }, 1));
  };
  await expect(fill()).rejects.toMatchObject({ code: 'encoder-full' });
});
