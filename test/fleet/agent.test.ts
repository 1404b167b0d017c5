import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { readEnvironment } from '../../src/config/config';
import { startFleetAgent } from '../../src/fleet/agent';
import { LocalFleet } from '../../src/fleet/local-fleet';
import { createFleetProvider, type FleetProvider } from '../../src/fleet/provider';
import type { RunningServer } from '../../src/service/http';
import { createLogger } from '../../src/service/logger';
import { awaitPort } from '../../src/start/readiness';
import { StandInPart, eventually, lives } from '../start/stand-in-part';

/** Listens where an encoder host would, and tells its environment to whoever connects. */
const STAND_IN = `
const { ENCODER_ID, ENCODER_PORT, ENCODER_REGION, ENCODER_ZONE, ENCODER_CAPACITY_UNITS } = process.env;
require('net').createServer((s) => s.on('error', () => {}).end(JSON.stringify({ ENCODER_ID, ENCODER_REGION, ENCODER_ZONE, ENCODER_CAPACITY_UNITS })))
  .listen(Number(ENCODER_PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));`;

const freePortBase = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
};

let part: StandInPart;
let fleet: LocalFleet;
let agent: RunningServer;
let provider: FleetProvider;

beforeEach(async () => {
  part = await StandInPart.create(STAND_IN);
  fleet = new LocalFleet({
    host: '127.0.0.1',
    portBase: await freePortBase(),
    region: 'eu',
    zones: ['a', 'b'],
    capacityUnits: 6,
    maxSessions: 8,
    maxEncoders: 3,
    command: process.execPath,
    args: [part.program],
    env: process.env,
    logsDir: join(part.folder, 'logs'),
    awaitServing: (address, signal) => awaitPort(Number(address.split(':')[1]), '127.0.0.1', signal),
    onEvent: (event) => part.events.push(event),
    onSpawned: (_, pid) => part.spawned.push(pid),
    onEnded: () => {},
  });
  const log = createLogger('test');
  log.level = 'silent';
  agent = await startFleetAgent({ fleet, port: 0, host: '127.0.0.1', log });
  provider = createFleetProvider(readEnvironment({ SWARM_FLEET_URL: `http://127.0.0.1:${agent.port}` }));
});
afterEach(async () => {
  await agent.close();
  await fleet.stopAll();
  await part.remove();
});

test('provisioned encoders run with their own identity, spread over the zones', async () => {
  const first = await provider.provision('r-1');
  const second = await provider.provision('r-2');
  const third = await provider.provision('r-3', 'b');
  expect([first, second, third].map(({ id, zone, state }) => [id, zone, state])).toEqual([
    ['enc-1', 'a', 'running'],
    ['enc-2', 'b', 'running'],
    ['enc-3', 'b', 'running'],
  ]);
  expect(new Set([first, second, third].map((e) => e.grpcAddress)).size).toBe(3);
  expect(await provider.list()).toEqual([first, second, third]);
  const said = await fetchText(second.grpcAddress);
  expect(said).toEqual({
    ENCODER_ID: 'enc-2',
    ENCODER_REGION: 'eu',
    ENCODER_ZONE: 'b',
    ENCODER_CAPACITY_UNITS: '6',
  });
});

test('the same request gives the same encoder, also while it starts', async () => {
  const [one, same] = await Promise.all([provider.provision('r-1'), provider.provision('r-1')]);
  expect(same.id).toBe(one.id);
  expect((await provider.provision('r-1')).pid).toBe(one.pid);
  expect(part.spawned).toHaveLength(1);
});

test('at the limit no more are started', async () => {
  for (const id of ['r-1', 'r-2', 'r-3']) await provider.provision(id);
  await expect(provider.provision('r-4')).rejects.toMatchObject({ code: 'at-capacity-limit' });
  expect(part.spawned).toHaveLength(3);
});

test('a deprovisioned encoder ends; an unknown one counts as ended; ids are not used again', async () => {
  const { id, pid } = await provider.provision('r-1');
  await provider.deprovision(id);
  await provider.deprovision(id);
  await provider.deprovision('enc-99');
  expect(lives(pid!)).toBe(false);
  expect(await provider.list()).toEqual([]);
  expect((await provider.provision('r-2')).id).toBe('enc-2');
});

test('an encoder that dies is started again under its own id and address after 3 s', async () => {
  const before = await provider.provision('r-1');
  const killedAtMs = Date.now();
  process.kill(before.pid!, 'SIGKILL');
  await eventually('restarting', () => fleet.list()[0]!.state === 'restarting');
  expect(fleet.list()[0]).toMatchObject({ id: 'enc-1', pid: null });
  await eventually('running', () => fleet.list()[0]!.state === 'running');
  const [after] = await provider.list();
  expect(after).toMatchObject({
    id: 'enc-1',
    grpcAddress: before.grpcAddress,
    zone: before.zone,
    restarts: 1,
  });
  expect(after!.startedAtMs - killedAtMs).toBeGreaterThanOrEqual(2_900);
});

test.each([
  [{ requestId: '' }, 'requestId'],
  [{}, 'requestId'],
  [{ requestId: 'r', zone: 'nowhere' }, 'no zone nowhere'],
  [{ requestId: 'r', extra: 1 }, 'extra'],
])('a bad request %j changes nothing', async (body, message) => {
  const answer = await fetch(`http://127.0.0.1:${agent.port}/encoders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain(message);
  expect(part.spawned).toEqual([]);
});

test('the agent answers health checks', async () => {
  const answer = await fetch(`http://127.0.0.1:${agent.port}/healthz`);
  expect(await answer.json()).toMatchObject({ status: 'ok', encoders: 0 });
});

const fetchText = async (address: string): Promise<unknown> => {
  const { connect } = await import('node:net');
  const [host, port] = address.split(':');
  const socket = connect(Number(port), host);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return JSON.parse(text);
};
