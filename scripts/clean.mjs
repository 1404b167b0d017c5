// Removes the local state of the swarm; with --tools also the programs that set-up installed.
import { readFileSync, rmSync } from 'node:fs';
import { userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isAlive } from './process-alive.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const runningProcesses = (stateDir) => {
  try {
    const { supervisor, parts } = JSON.parse(readFileSync(join(stateDir, 'run.json'), 'utf8'));
    return [['supervisor', supervisor], ...Object.entries(parts)].filter(([, identity]) => isAlive(identity));
  } catch {
    return [];
  }
};

const remove = (folder) => {
  if (
    [root, userInfo().homedir].some((kept) =>
      `${resolve(kept)}/`.startsWith(`${resolve(folder)}/`.replace('//', '/')),
    )
  ) {
    console.error(`${folder} holds more than the swarm's state.\nHint: correct SWARM_STATE_DIR.`);
    process.exit(1);
  }
  rmSync(folder, { recursive: true, force: true });
  console.log(`removed ${folder}`);
};

const stateDir = resolve(root, process.env.SWARM_STATE_DIR || '.swarm');
const running = runningProcesses(stateDir);
if (running.length > 0) {
  const names = running.map(([name, { pid }]) => `${name} (${pid})`).join(', ');
  console.error(
    `The swarm on ${stateDir} runs: ${names}.\nHint: stop it first (Ctrl-C, or kill ${running[0][1].pid}).`,
  );
  process.exit(1);
}
remove(stateDir);
if (process.argv.includes('--tools')) {
  const { XDG_CACHE_HOME: cache, HOME: home } = process.env;
  const cacheHome = cache && isAbsolute(cache) ? cache : join(home || userInfo().homedir, '.cache');
  remove(join(cacheHome, 'encoder-swarm'));
}
