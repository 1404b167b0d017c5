import { Client, credentials, status, type ServiceError } from '@grpc/grpc-js';
import { EncoderClient } from '../../src/contracts/encoder/client';
import { ENCODER_SERVICES, encoderContract } from '../../src/contracts/encoder/grpc-contract';
import { startHost, sessionRequest } from '../encoder/support/test-host';
import fc from '../support/fast-check';
import { fuzz, spoiler, spoiltJson } from './fuzz';

/** Codes by which a host says clearly what is wrong with a request. */
const CLEAR = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
  status.RESOURCE_EXHAUSTED,
  status.UNAVAILABLE,
]);

describe('an encoder host', () => {
  let host: Awaited<ReturnType<typeof startHost>>;
  let raw: Client;
  const { service } = encoderContract(2);
  // Nobody listens there: a session that is accepted by chance waits for its relay and encodes nothing.
  const request = sessionRequest('http://127.0.0.1:9/channels/ch-1/feed', 'http://127.0.0.1:9');
  const sound: Record<string, Record<string, unknown>> = {
    PrepareSession: { ...request },
    GetSession: { sessionId: 'nobody', waitFor: 'NOTHING', waitMs: 0 },
    CommitSession: { sessionId: 'nobody', token: 1, firstGop: 0 },
    ReleaseSession: { sessionId: 'nobody' },
  };
  beforeAll(async () => {
    host = await startHost({ capacityUnits: 0.1 });
    raw = new Client(host.host.address, credentials.createInsecure());
  });
  afterAll(async () => {
    raw.close();
    await host.stop();
  });

  const call = (method: string, bytes: Buffer): Promise<ServiceError | null> =>
    new Promise((resolve) => {
      const same = (value: Buffer): Buffer => value;
      raw.makeUnaryRequest(
        service[method]!.path,
        same,
        same,
        bytes,
        { deadline: Date.now() + 5_000 },
        (error) => resolve(error),
      );
    });

  const encoded = (method: string, message: unknown): Buffer => service[method]!.requestSerialize(message);

  const expectClear = async (error: ServiceError | null): Promise<void> => {
    if (error) {
      const ours = error.metadata.get('swarm-error-code')[0];
      // What is no protobuf at all never reaches the host: the gRPC library itself answers.
      if (ours === undefined) expect(error.details).toMatch(/deserializ|decod|index out of range|invalid/i);
      else expect(CLEAR).toContain(error.code);
      expect(error.details.length).toBeGreaterThan(5);
    }
    expect(await host.client.describe()).toMatchObject({ id: 'enc-1' });
    // A request whose oddness is sound (one frame a second fits even here) was taken: then its session goes again.
    if (!error)
      for (const { sessionId } of (await host.client.telemetry()).sessions)
        await host.client.release(sessionId);
    expect((await host.client.telemetry()).sessions).toEqual([]);
  };

  it.each(Object.keys(sound))('refuses spoilt bytes of %s clearly, and nothing remains of them', (method) =>
    fuzz(
      spoiler,
      async (spoilIt) => expectClear(await call(method, spoilIt(encoded(method, sound[method])))),
      { share: 0.5 },
    ),
  );

  it.each(Object.keys(sound))('refuses strange fields of %s clearly, and nothing remains of them', (method) =>
    fuzz(
      spoiltJson(sound[method]!),
      async (message) => {
        let bytes: Buffer;
        try {
          bytes = encoded(method, message);
        } catch {
          return; // No message of the contract can say this.
        }
        await expectClear(await call(method, bytes));
      },
      { share: 0.5 },
    ),
  );

  it('a client takes strange answers for what they are', async () => {
    expect(ENCODER_SERVICES[2]).toContain('encoderswarm');
    const { Server, ServerCredentials } = await import('@grpc/grpc-js');
    const server = new Server();
    let answer: Buffer = Buffer.alloc(0);
    const same = (value: Buffer): Buffer => value;
    const answering = Object.fromEntries(
      Object.entries(service).map(([name, method]) => [
        name,
        { ...method, requestDeserialize: same, responseSerialize: same },
      ]),
    );
    server.addService(
      answering,
      Object.fromEntries(
        Object.keys(service).map((name) => [
          name,
          (_call: unknown, reply: (e: null, v: Buffer) => void) => reply(null, answer),
        ]),
      ),
    );
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    const client = new EncoderClient(`127.0.0.1:${port}`);
    const telemetry = service.GetTelemetry!.responseSerialize({
      atMs: 1,
      cpuCores: 0.1,
      memoryMib: 10,
      networkKbps: 1,
      unitsUsed: 1,
      sessions: [{ sessionId: 's', channelId: 'ch-1', state: 'PUBLISHING', renditions: ['180p'], token: 1 }],
    });
    try {
      await fuzz(
        fc.tuple(spoiler, fc.constantFrom('telemetry', 'describe', 'session')),
        async ([spoilIt, method]) => {
          answer = spoilIt(telemetry);
          const asked =
            method === 'session'
              ? client.session('s')
              : method === 'describe'
                ? client.describe()
                : client.telemetry();
          await asked.then(
            (value) => expect(typeof value).toBe('object'),
            (error: unknown) => expect(error).toMatchObject({ code: 'encoder-answered-garbage' }),
          );
        },
        { share: 0.5 },
      );
    } finally {
      client.close();
      server.forceShutdown();
    }
  });
});
