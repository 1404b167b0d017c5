import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { findExecutable } from '../../src/setup';
import { packState } from './pack-state';
import { recordHistories } from './record-histories';
import { Scenario } from './scenario';
import { SwarmProcess } from './swarm-process';

/** The shortest ring and retention that the swarm takes: media makes most of a state folder. */
const SMALL_STATE = {
  SWARM_RING_SECONDS: '10',
  SWARM_RETENTION_SECONDS: '60',
  SWARM_RETENTION_MIB: '16',
};
const ENCODERS = 2;
const CHANNELS = 4;
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
  .requiredOption('--out <DIR>', 'folder for state.tar.gz and histories/')
  .option('--state-dir <DIR>', 'folder of the swarm; kept (default: one that is removed)')
  .option('--port-base <N>', 'ports of the swarm', '26000');

const main = async (o: Options): Promise<void> => {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const ffmpeg = await findExecutable('ffmpeg', process.env);
  if (!ffmpeg) throw new Error('No ffmpeg on PATH.');
  const ffmpegPath = await realpath(ffmpeg);
  const stateDir = o.stateDir ? resolve(o.stateDir) : await mkdtemp(join(tmpdir(), 'encoder-swarm-state-'));
  const out = resolve(o.out);
  await mkdir(out, { recursive: true });
  const swarm = await SwarmProcess.start({
    release: resolve(o.release),
    stateDir,
    args: ['--encoders', String(ENCODERS), '--channels', String(CHANNELS), '--port-base', o.portBase],
    env: { ...process.env, ...SMALL_STATE, FFMPEG: ffmpegPath },
  });
  try {
    const apiUrl = `http://${HOST}:${o.portBase}`;
    await new Scenario({ apiUrl, ffmpegPath, kill: (part) => swarm.kill(part), say }).run();
    const address = `${HOST}:${Number(o.portBase) + TEMPORAL_PORT_OFFSET}`;
    say(JSON.stringify(await recordHistories({ address, folder: join(out, 'histories') }), null, 1));
  } finally {
    await swarm.stop();
  }
  say(`state.tar.gz: ${await packState(stateDir, join(out, 'state.tar.gz'))} bytes`);
  if (!o.stateDir) await rm(stateDir, { recursive: true, force: true });
};

main(program.parse().opts<Options>()).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
