// Builds tfjs-node from package registries alone, for machines that can't reach its download server: libtensorflow
// and its headers out of the wheel tensorflow-cpu, the binding compiled with g++ against node-api-headers. About 550 MB
// in the tools cache, outside the clone. Linux on x86_64 with g++, npm and pip. Prints the folder to set
// SWARM_TFJS_NODE to.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const TFJS_NODE = '4.22.0';
const TENSORFLOW = '2.12.1';
const NODE_API_HEADERS = '1.5.0';
const WHEEL_PYTHON = '3.11';
/** The version of Node-API in whose folder tfjs-node looks for its binding. */
const NAPI_VERSION = 8;

const run = async (command, args, options = {}) => {
  try {
    return await promisify(execFile)(command, args, { maxBuffer: 64 * 2 ** 20, ...options });
  } catch (error) {
    const last = `${error.stderr || error.stdout || error.message}`.trim().split('\n').slice(-5).join('\n');
    throw new Error(`${command} ${args.slice(0, 3).join(' ')} failed:\n${last}`, { cause: error });
  }
};

/** @returns the folder of a tfjs-node that loads */
export const buildTfjsNode = async (say) => {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('tfjs-node can be built so on Linux on x86_64 only.');
  }
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const folder = join(cache, 'encoder-swarm', `tfjs-node-${TFJS_NODE}`);
  const installed = join(folder, 'node_modules', '@tensorflow', 'tfjs-node');
  const binding = join(installed, 'lib', `napi-v${NAPI_VERSION}`, 'tfjs_binding.node');
  if (existsSync(binding)) return installed;

  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{"private":true}');
  say(`1/4 npm: tfjs-node ${TFJS_NODE} without its download, and the headers of Node-API`);
  const packages = [`@tensorflow/tfjs-node@${TFJS_NODE}`, `node-api-headers@${NODE_API_HEADERS}`];
  await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages], { cwd: folder });

  say(`2/4 pip: libtensorflow out of tensorflow-cpu ${TENSORFLOW}`);
  const wheels = join(folder, 'wheels');
  await run('python3', [
    ...['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:', '--dest', wheels],
    ...['--python-version', WHEEL_PYTHON, '--platform', 'manylinux2014_x86_64'],
    `tensorflow-cpu==${TENSORFLOW}`,
  ]);
  const [wheel] = await readdir(wheels);
  const unpacked = join(folder, 'wheel');
  await run('python3', ['-m', 'zipfile', '-e', join(wheels, wheel), unpacked]);

  say('3/4 headers and libraries');
  const lib = join(installed, 'deps', 'lib');
  await mkdir(lib, { recursive: true });
  for (const name of ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2']) {
    await cp(join(unpacked, 'tensorflow', name), join(lib, name));
    await symlink(name, join(lib, name.replace(/\.2$/, '')));
  }
  await cp(join(unpacked, 'tensorflow', 'include'), join(installed, 'deps', 'include'), { recursive: true });
  await Promise.all([wheels, unpacked].map((path) => rm(path, { recursive: true })));

  say('4/4 g++: the binding');
  const sources = (await readdir(join(installed, 'binding'))).filter((name) => name.endsWith('.cc'));
  const out = join(installed, 'lib', `napi-v${NAPI_VERSION}`);
  await mkdir(out, { recursive: true });
  await run('g++', [
    ...[
      '-shared',
      '-fPIC',
      '-O2',
      '-std=c++17',
      `-DNAPI_VERSION=${NAPI_VERSION}`,
      '-D_GLIBCXX_USE_CXX11_ABI=1',
    ],
    ...['-I', join(folder, 'node_modules', 'node-api-headers', 'include')],
    ...['-I', join(installed, 'deps', 'include'), '-I', join(installed, 'binding')],
    ...sources.map((name) => join(installed, 'binding', name)),
    ...['-L', lib, '-ltensorflow_cc', '-ltensorflow_framework', `-Wl,-rpath,${lib}`],
    ...['-o', join(out, 'tfjs_binding.node')],
  ]);
  return installed;
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(await buildTfjsNode((line) => console.error(line)));
}
