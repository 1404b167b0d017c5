import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { readEnvironment } from '../../src/config/config';
import { encoderClientFor } from '../../src/contracts/encoder/client';
import { swarmEnvironment } from '../../src/launch/swarm-environment';
import { awaitGrpcServing } from '../../src/platform/processes/readiness';
import { portsFor } from '../../src/setup';
import { connectTemporal } from '../../src/temporal/client';
import { startHost } from '../encoder/support/test-host';
import { startTemporal } from '../workflows/support/temporal';

const PROXY = 'http://127.0.0.1:9';
const before = { ...process.env };
let temporal: TestWorkflowEnvironment;
beforeAll(async () => {
  // Its own client would ask the proxy.
  temporal = await startTemporal();
  delete process.env.no_proxy;
  Object.assign(process.env, { http_proxy: PROXY, https_proxy: PROXY, grpc_proxy: PROXY });
});
afterAll(async () => {
  process.env = before;
  await temporal?.teardown();
});

const tools = { temporal: { path: 't' }, influx: { path: 'i' }, ffmpeg: { ffmpegPath: 'ffmpeg' } } as never;
const variablesOf = (env: NodeJS.ProcessEnv) =>
  swarmEnvironment({ env, stateDir: '/state', ports: portsFor(undefined, {}), tools }).variables;

test('parts reach one another without the proxy; what the user excepted stays excepted', () => {
  expect(variablesOf({ http_proxy: PROXY })).toMatchObject({
    http_proxy: PROXY,
    no_proxy: '127.0.0.1,localhost',
    NO_PROXY: '127.0.0.1,localhost',
  });
  expect(variablesOf({ NO_PROXY: 'db.example, 127.0.0.1', SWARM_HOST: '10.0.0.7' }).no_proxy).toBe(
    'db.example,127.0.0.1,localhost,10.0.0.7',
  );
  const own = { no_proxy: '', NO_PROXY: 'db.example', no_grpc_proxy: 'grpc.example' };
  const all = 'db.example,grpc.example,127.0.0.1,localhost';
  expect(variablesOf(own)).toMatchObject({ no_proxy: all, NO_PROXY: all, no_grpc_proxy: all });
});

test('an encoder host on this machine is reached beside a proxy that does not answer', async () => {
  const { host, stop } = await startHost();
  try {
    await awaitGrpcServing(host.address, '', AbortSignal.timeout(5_000));
    expect(await encoderClientFor(host.address).describe({ deadlineMs: 5_000 })).toMatchObject({
      capacityUnits: 6,
    });
  } finally {
    await stop();
  }
});

test('and so is Temporal', async () => {
  const environment = readEnvironment({ TEMPORAL_ADDRESS: temporal.address });
  const connected = await connectTemporal(environment);
  expect(await connected.client.workflowService.getSystemInfo({})).toHaveProperty('serverVersion');
  await connected.close();
});
