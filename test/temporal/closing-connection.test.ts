import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { Client } from '@temporalio/client';
import { connectClosably } from '../../src/temporal/closing-connection';

/** A server that knows itself and has no room for anything else, so that each call is tried again. */
const startServer = async (): Promise<{ address: string; asked: () => number; stop(): void }> => {
  let asked = 0;
  const server = new Server();
  const bytes = (value: Buffer): Buffer => value;
  const method = (name: string) => ({
    path: `/temporal.api.workflowservice.v1.WorkflowService/${name}`,
    ...{ requestStream: false, responseStream: false },
    ...{ requestSerialize: bytes, requestDeserialize: bytes },
    ...{ responseSerialize: bytes, responseDeserialize: bytes },
  });
  server.addService(
    { getSystemInfo: method('GetSystemInfo'), describeNamespace: method('DescribeNamespace') },
    {
      getSystemInfo: (_call: unknown, answer: (error: null, value: Buffer) => void) =>
        answer(null, Buffer.alloc(0)),
      describeNamespace: (_call: unknown, answer: (error: object) => void) => {
        asked += 1;
        answer({ code: status.UNAVAILABLE, details: 'no room' });
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { address: `127.0.0.1:${port}`, asked: () => asked, stop: () => server.forceShutdown() };
};

test('a call that is being tried again when its connection is closed ends for its caller', async () => {
  const server = await startServer();
  try {
    const { connection, close } = await connectClosably({ address: server.address });
    const client = new Client({ connection });
    const call = client.workflowService
      .describeNamespace({ namespace: 'x' })
      .catch((error: unknown) => String(error));
    while (server.asked() < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await close();
    expect(await call).toMatch(/The connection to Temporal was closed/);
  } finally {
    server.stop();
  }
});
