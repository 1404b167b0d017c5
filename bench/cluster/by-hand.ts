import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onInterrupt } from '../../src/platform/processes/interrupts';
import { StepReporter } from '../../src/setup';

import { endAfter } from './end';
import { openCluster } from './open';
import { readClusterOptions } from './options';

const main = async (): Promise<boolean> => {
  const { portBase, stateDir, namespace } = readClusterOptions(process.argv);
  const interrupted = new AbortController();
  onInterrupt(() => interrupted.abort());
  const folder = stateDir
    ? resolve(process.env.INIT_CWD ?? process.cwd(), stateDir)
    : await mkdtemp(join(tmpdir(), 'encoder-swarm-cluster-'));
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o711);
  const reporter = new StepReporter(process.stdout);
  try {
    const cluster = await openCluster({ folder, portBase, reporter, signal: interrupted.signal });
    process.once('exit', () => cluster.killNow());
    await cluster.makeNamespace(namespace);
    reporter.line(`  logs and database: ${folder}${stateDir ? '' : ' (removed in the end)'}`);
    reporter.line(
      `\nTEMPORAL_ADDRESS=${cluster.address}${namespace === 'default' ? '' : ` TEMPORAL_NAMESPACE=${namespace}`} npm start`,
    );
    await new Promise<void>((done) => {
      if (interrupted.signal.aborted) done();
      interrupted.signal.addEventListener('abort', () => done(), { once: true });
    });
    await cluster.stop();
    return true;
  } catch (error) {
    if (interrupted.signal.aborted) return true;
    throw error;
  } finally {
    if (!stateDir) await rm(folder, { recursive: true, force: true });
  }
};

endAfter(main());
