import { accessSync, constants, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawnChild } from './children.mjs';
import { packagesAreInstalled } from './installed-packages.mjs';
import { runLongStep } from './long-step.mjs';
import { fingerprintOfSources } from './source-fingerprint.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const NEEDED_FREE_MIB = 500;

class Refusal extends Error {
  constructor(cause, hint) {
    super(`${cause}\nHint: ${hint}`);
  }
}

/** Causes that npm names in its output, in words, with the hint. */
const knownFailures = [
  [/ENOSPC|no space left/i, 'The disk is full.', 'free some space, then run the command again.'],
  [
    /EACCES|EPERM|EROFS/,
    'A file or folder of the project, or of npm, belongs to another user.',
    'give it to this user (chown), then run the command again.',
  ],
  [
    /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH/,
    'The package registry could not be reached.',
    'check the network (and the proxy or registry that npm is set to: npm config list), then run the command again.',
  ],
];

const refuseAfter = (what, output) => {
  const [, cause, hint] = knownFailures.find(([pattern]) => pattern.test(output)) ?? [];
  const tail = output.trim().split('\n').slice(-12).join('\n');
  return new Refusal(`${tail}\n\n${what} failed. ${cause ?? ''}`.trim(), hint ?? 'see the lines above.');
};

const requireWritableProject = () => {
  try {
    accessSync(root, constants.W_OK);
  } catch {
    throw new Refusal(`The project folder ${root} can't be written.`, 'give it to this user (chown).');
  }
};

const requireDiskSpace = () => {
  const { bavail, bsize } = statfsSync(root);
  const freeMiB = Math.floor((bavail * bsize) / 1024 / 1024);
  if (freeMiB < NEEDED_FREE_MIB) {
    throw new Refusal(
      `The disk that holds ${root} has ${freeMiB} MiB left; ${NEEDED_FREE_MIB} MiB are needed.`,
      'free some space.',
    );
  }
};

/** npm tells scripts where it is itself; that one runs, whatever PATH says. */
const npm = () => (process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm']);

/** Whatever NODE_ENV=production or npm's own settings leave out elsewhere: without them nothing can be built. */
const WITH_BUILD_TOOLS = ['--include=dev'];

const installPackages = async () => {
  const [command, ...args] = npm();
  // Otherwise `npm ci` says nothing until it is done.
  const env = { ...process.env, npm_config_loglevel: 'http' };
  const { ok, output } = await runLongStep(
    'packages (npm ci)',
    command,
    [...args, 'ci', ...WITH_BUILD_TOOLS],
    { cwd: root, env },
  );
  if (!ok) throw refuseAfter('npm ci', output);
};

const buildIfChanged = async () => {
  const stampFile = join(root, 'dist', '.stamp');
  const fingerprint = fingerprintOfSources(root);
  let built = '';
  try {
    built = readFileSync(stampFile, 'utf8');
  } catch {
    // Never built.
  }
  if (built === fingerprint) return;
  const { ok, output } = await runLongStep('build', process.execPath, ['scripts/build.mjs'], { cwd: root });
  if (!ok) throw refuseAfter('The build', output);
  writeFileSync(stampFile, fingerprint);
};

const findTools = () =>
  new Promise((resolve, reject) => {
    const child = spawnChild(process.execPath, [join(root, 'dist/src/setup/main.js')], { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (status) => resolve(status ?? 1));
  });

/**
 * Packages whose install scripts run, by name, with what for. Those of all other packages are off (.npmrc): a script of a
 * package runs with all rights of whoever installs it.
 */
const allowedScripts = {
  '@tensorflow/tfjs-node': 'brings libtensorflow; without it, models use WebAssembly',
};

const runAllowedScripts = async () => {
  const { packages } = JSON.parse(readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8'));
  const versionOf = (name) => packages[`node_modules/${name}`]?.version;
  const wanted = Object.keys(allowedScripts).filter((name) => versionOf(name) !== undefined);
  if (wanted.length === 0) return;
  // `npm ci` begins with an empty folder, so that this says what was run since.
  const stampFile = join(root, 'node_modules', '.install-scripts');
  const stamp = wanted.map((name) => `${name}@${versionOf(name)}\n`).join('');
  try {
    if (readFileSync(stampFile, 'utf8') === stamp) return;
  } catch {
    // None was run.
  }
  const [command, ...args] = npm();
  for (const name of wanted) {
    const { ok } = await runLongStep(
      `install script of ${name}`,
      command,
      [...args, 'rebuild', name, '--ignore-scripts=false'],
      { cwd: root, env: process.env },
    );
    // Each is of use, and none is needed.
    if (!ok) console.error(`The install script of ${name} failed: it ${allowedScripts[name]}.`);
  }
  writeFileSync(stampFile, stamp);
};

/** Prepares the project; returns the exit status. Errors are shown with cause and hint. */
export const prepare = async ({ tools }) => {
  try {
    requireWritableProject();
    requireDiskSpace();
    if (!packagesAreInstalled(root)) await installPackages();
    await runAllowedScripts();
    await buildIfChanged();
    return tools ? await findTools() : 0;
  } catch (error) {
    console.error(error instanceof Refusal ? error.message : error);
    return 1;
  }
};
