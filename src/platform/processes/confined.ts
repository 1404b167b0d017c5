import {
  execFile,
  execFileSync,
  spawn,
  spawnSync,
  type ChildProcess,
  type ExecFileOptions,
  type SpawnOptions,
} from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { SwarmError } from '../../domain';
import { hardLimit, type ProcessLimit } from '../process-limits';

/**
 * How ffmpeg and ffprobe are run: they decode what strangers send, and may be programs that strangers made. They get no
 * secret of the part that starts them, take no more than a session needs, gain no rights, and reach no network but where
 * they open an address. With SWARM_FFMPEG_USER they run as another user.
 */

/** What a program needs to find its libraries, devices and words, and its way out of the network. */
const KEPT_VARIABLES =
  /^(PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|LD_\w+|DYLD_\w+|FAKETIME\w*|SSL_CERT_\w+|(https?|no|all)_proxy|LIBVA_\w+|CUDA_\w+|NVIDIA_\w+)$/i;

/** The environment of a program that is not trusted: no variable of the swarm, of Temporal or of a cloud. */
export const minimalEnvironment = (env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => KEPT_VARIABLES.test(name)));

const GIB = 2 ** 30;
/** Three renditions of 1080p take 2 GiB of address space. */
const MOST_ADDRESS_SPACE_BYTES = 16 * GIB;
/** Pipes, and the segments and keys of a playlist. */
const MOST_OPEN_FILES = 256;

/** It writes to pipes. A wrapper around it may keep a note, and no more. */
const MOST_FILE_BYTES = 16 * 2 ** 20;

/** Of all programs of a user of their own together, threads included: a bound for one that multiplies. */
const MOST_PROCESSES = 8_192;
/** Of a run that ends by itself, such as a look at an input or at what a build can do. */
const MOST_CPU_SECONDS_OF_A_RUN = 120;

const find = (program: string, path = process.env.PATH ?? ''): string | undefined => {
  const places = program.includes('/')
    ? [program]
    : path.split(delimiter).map((folder) => join(folder, program));
  return places.find((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
};

/** What this machine has to confine programs with: absolute paths, found once. */
interface Means {
  prlimit: string | undefined;
  setpriv: string | undefined;
  /** Command that gives a program a network of its own, in which there is nothing. */
  withoutNetwork: string[] | undefined;
}

let found: Means | undefined;

const runs = ([command, ...args]: string[]): boolean =>
  command !== undefined && spawnSync(command, args, { stdio: 'ignore', timeout: 5_000 }).status === 0;

const means = (): Means => {
  if (found) return found;
  const unshare = find('unshare');
  const candidates =
    unshare === undefined
      ? []
      : [
          [unshare, '--net'],
          [unshare, '--user', '--map-current-user', '--net'],
        ];
  const setpriv = find('setpriv');
  found = {
    prlimit: find('prlimit'),
    setpriv: setpriv !== undefined && runs([setpriv, '--no-new-privs', 'true']) ? setpriv : undefined,
    withoutNetwork: candidates.find((candidate) => runs([...candidate, 'true'])),
  };
  return found;
};

/** Whether this machine can limit what a program takes: it has prlimit of util-linux. */
export const canLimit = (): boolean => means().prlimit !== undefined;

/** How programs that are not trusted are run on this machine, for the log. */
export interface Confinement {
  limits: boolean;
  /** `none`: what needs no network has none. `shared`: the kernel does not let this account give it one of its own. */
  network: 'none' | 'shared';
  /** The account that runs them; null: that of the part. */
  user: string | null;
}

/** @throws SwarmError bad-request for a SWARM_FFMPEG_USER that can't be had */
export const confinement = (): Confinement => ({
  limits: canLimit(),
  network: means().withoutNetwork ? 'none' : 'shared',
  user: otherUser()?.name ?? null,
});

const groups = new Map<string, string>();

/** The account of SWARM_FFMPEG_USER; undefined where none is wanted. @throws SwarmError bad-request */
const otherUser = (): { name: string; group: string } | undefined => {
  const name = process.env.SWARM_FFMPEG_USER;
  if (!name) return undefined;
  const refuse = (why: string): SwarmError =>
    new SwarmError(
      'bad-request',
      `ffmpeg can't be run as ${name}: ${why}.`,
      'Correct or unset SWARM_FFMPEG_USER.',
    );
  if (process.getuid?.() !== 0) throw refuse('only a part that runs as root can change to another account');
  if (means().setpriv === undefined) throw refuse('there is no setpriv of util-linux');
  const known = groups.get(name);
  if (known !== undefined) return { name, group: known };
  try {
    const group = execFileSync('id', ['-g', '--', name], { encoding: 'utf8', stdio: 'pipe' });
    groups.set(name, group.trim());
  } catch {
    throw refuse('there is no such account');
  }
  const user = { name, group: groups.get(name)! };
  if (runs([means().setpriv!, ...rightsOf(user), 'true'])) return user;
  groups.delete(name);
  throw refuse('this part has not the rights to change to another account');
};

/** Lets the account of confined programs, where it is another one, read files in a folder that is not public. */
export const letConfinedRead = async (folder: string, paths: readonly string[]): Promise<void> => {
  if (otherUser() === undefined) return;
  await Promise.all([chmod(folder, 0o711), ...paths.map((path) => chmod(path, 0o644))]);
};

export interface ConfinedCommand {
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
}

/** What a program is allowed beyond the least. */
export interface Allowance {
  /** It opens addresses. What reads pipes needs none, and has none where the kernel allows that. */
  network?: boolean;
  /** Default: no bound, as a session runs for months. */
  cpuSeconds?: number;
}

/**
 * The command that runs a program with a minimal environment and, where this machine can, with limits, without a way to
 * gain rights, without a network and as another user. Its process id is that of the program: each of the commands before
 * it becomes the next. A program that is not there is named as it is, so that its absence shows as that.
 * @throws SwarmError bad-request for a SWARM_FFMPEG_USER that can't be had
 */
export const confined = (
  program: string,
  args: readonly string[],
  { network = false, cpuSeconds }: Allowance = {},
): ConfinedCommand => {
  const env = minimalEnvironment();
  const path = find(program);
  const user = otherUser();
  if (path === undefined) return { command: program, args: [...args], env };
  const { prlimit, setpriv, withoutNetwork } = means();
  const chain = [
    ...(withoutNetwork && !network ? withoutNetwork : []),
    // Set before the rights are given up, which may not be raised after.
    ...(prlimit === undefined ? [] : [prlimit, ...limitsOf(cpuSeconds, user !== undefined)]),
    ...(setpriv === undefined ? [] : [setpriv, '--no-new-privs', ...(user ? rightsOf(user) : [])]),
    ...[path, ...args],
  ];
  const [command = program, ...rest] = chain;
  return { command, args: rest, env };
};

/** Only root may set more than this process has itself: another account's program would not start at all. */
const within = (limit: ProcessLimit, most: number): number => Math.min(most, hardLimit(limit));

/**
 * The number of processes is counted by user: only for one that runs nothing else can it be bounded, or another program of
 * the operator's would use it up.
 */
const limitsOf = (cpuSeconds: number | undefined, isOwnUser: boolean): string[] => [
  `--as=${within('address space', MOST_ADDRESS_SPACE_BYTES)}`,
  `--nofile=${within('open files', MOST_OPEN_FILES)}`,
  `--fsize=${within('file size', MOST_FILE_BYTES)}`,
  '--core=0',
  ...(cpuSeconds === undefined ? [] : [`--cpu=${within('cpu time', cpuSeconds)}`]),
  ...(isOwnUser ? [`--nproc=${MOST_PROCESSES}`] : []),
];

const rightsOf = ({ name, group }: { name: string; group: string }): string[] => [
  `--reuid=${name}`,
  `--regid=${group}`,
  ...['--init-groups', '--inh-caps=-all', '--bounding-set=-all'],
];

/** Starts a program confined; `options` as of spawn. @throws SwarmError as confined */
export const spawnConfined = (
  program: string,
  args: readonly string[],
  { network, cpuSeconds, ...options }: Omit<SpawnOptions, 'env'> & Allowance,
): ChildProcess => {
  const { command, args: all, env } = confined(program, args, allowance(network, cpuSeconds));
  return spawn(command, all, { ...options, env });
};

const execute = promisify(execFile);

/** Runs a program confined to its end; `options` and failures as of execFile. @returns what it wrote, as text */
export const runConfined = async (
  program: string,
  args: readonly string[],
  {
    network,
    cpuSeconds = MOST_CPU_SECONDS_OF_A_RUN,
    ...options
  }: Omit<ExecFileOptions, 'env' | 'encoding'> & Allowance,
): Promise<{ stdout: string; stderr: string }> => {
  const { command, args: all, env } = confined(program, args, allowance(network, cpuSeconds));
  return execute(command, all, { ...options, env, encoding: 'utf8' });
};

const allowance = (network: boolean | undefined, cpuSeconds: number | undefined): Allowance => ({
  ...(network !== undefined && { network }),
  ...(cpuSeconds !== undefined && { cpuSeconds }),
});
