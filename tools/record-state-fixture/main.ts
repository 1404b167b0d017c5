import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { Command } from 'commander';
import { findExecutable } from '../../src/setup';
import { readFacts, type Facts } from './facts';
import { packState } from './pack-state';
import { countRuns, recordHistories } from './record-histories';
import { Scenario } from './scenario';
import { SwarmProcess } from './swarm-process';

/** The shortest ring and retention that the swarm takes: media makes most of a state folder. */
const SMALL_STATE = {
  SWARM_RING_SECONDS: '10',
  SWARM_RETENTION_SECONDS: '60',
  SWARM_RETENTION_MIB: '16',
};
/** As many as the swarm has at least, unless it is started with fewer. */
const ENCODERS = 3;
const CHANNELS = 3;
const HOST = '127.0.0.1';
/** Offset of Temporal's port from the base of all ports. */
const TEMPORAL_PORT_OFFSET = 33;

interface Options {
  release: string;
  out: string;
  stateDir?: string;
  portBase: string;
}

const program = new Command('record-state-fixture')
  .description(
    'Records the state of a stopped swarm of a release, and what its workflows did, for the releases to come.',
  )
  .option('--release <DIR>', 'folder of the built release', process.cwd())
  .requiredOption('--out <DIR>', 'folder for state.tar.gz, facts.json and histories/')
  .option('--state-dir <DIR>', 'folder of the swarm; kept (default: one that is removed)')
  .option('--port-base <N>', 'ports of the swarm', '26000');

const main = async (options: Options): Promise<void> => {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const ffmpeg = await findExecutable('ffmpeg', process.env);
  if (!ffmpeg) throw new Error('No ffmpeg on PATH.');
  const ffmpegPath = await realpath(ffmpeg);
  const stateDir = options.stateDir
    ? resolve(options.stateDir)
    : await mkdtemp(join(tmpdir(), 'encoder-swarm-state-'));
  const out = resolve(options.out);
  await mkdir(out, { recursive: true });
  const startedWith = ['--encoders', String(ENCODERS), '--channels', String(CHANNELS)];
  const swarm = await SwarmProcess.start({
    release: resolve(options.release),
    stateDir,
    args: [...startedWith, '--port-base', options.portBase],
    env: { ...process.env, ...SMALL_STATE, FFMPEG: ffmpegPath },
    onOutput: (text) => void process.stderr.write(text),
  });
  process.once('SIGTERM', () => void swarm.stop().finally(() => process.exit(143)));
  // Ctrl-C goes to the swarm too; twice would kill it.
  process.once('SIGINT', () => void swarm.ended.then(() => process.exit(130)));
  const connection = await Connection.connect({
    address: `${HOST}:${Number(options.portBase) + TEMPORAL_PORT_OFFSET}`,
  });
  try {
    const client = new Client({ connection });
    const apiUrl = `http://${HOST}:${options.portBase}`;
    const scenario = new Scenario({
      apiUrl,
      encodersAtBegin: ENCODERS,
      ffmpegPath,
      kill: (part) => swarm.kill(part),
      swarmRuns: () => countRuns(client, 'swarm'),
      say,
    });
    await scenario.run();
    say(JSON.stringify(await recordHistories(client, join(out, 'histories')), null, 1));
    await scenario.cordon();
    await writeFile(
      join(out, 'facts.json'),
      `${JSON.stringify({ startedWith, ...(await readFacts(apiUrl)) } satisfies Facts, null, 2)}\n`,
    );
  } finally {
    await connection.close();
    await swarm.stop();
  }
  say(`state.tar.gz: ${await packState(stateDir, join(out, 'state.tar.gz'))} bytes`);
  if (!options.stateDir) await rm(stateDir, { recursive: true, force: true });
};

main(program.parse().opts<Options>()).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
