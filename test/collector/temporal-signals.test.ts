import { homedir } from 'node:os';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { connectSignals } from '../../src/collector/temporal-signals';
import { readEnvironment } from '../../src/config/config';

const temporalCli = process.env.TEMPORAL_CLI ?? join(homedir(), '.cache/encoder-swarm/bin/temporal');

test('events reach the swarm workflow of the cell as its signals', async () => {
  const server = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path: temporalCli } },
  });
  try {
    // No worker: the workflow stands still, and the server keeps the signals in its history.
    const { client } = server;
    await client.workflow.start('swarm', { workflowId: 'swarm/local', taskQueue: 'nobody' });
    const { address } = server;
    const signals = await connectSignals(readEnvironment({ TEMPORAL_ADDRESS: address }));
    const lost = { encoderId: 'enc-1', evidence: 'killed', atMs: 1 };
    await signals.send({ signal: 'encoderLost', payload: lost });
    const failed = {
      channelId: 'ch-1',
      encoderId: 'enc-1',
      sessionId: 's',
      code: 'internal',
      message: 'm',
      atMs: 2,
    };
    await signals.send({ signal: 'sessionFailed', payload: failed });
    const { events } = await client.workflow.getHandle('swarm/local').fetchHistory();
    const received = events?.flatMap(({ workflowExecutionSignaledEventAttributes: s }) =>
      s ? [[s.signalName, JSON.parse(Buffer.from(s.input!.payloads![0]!.data!).toString())]] : [],
    );
    expect(received).toEqual([
      ['encoderLost', lost],
      ['sessionFailed', failed],
    ]);
    await signals.close();
  } finally {
    await server.teardown();
  }
});
