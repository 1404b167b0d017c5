import {
  execFile,
  spawn,
  type ChildProcess,
  type ExecFileOptions,
  type SpawnOptions,
} from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

/**
 * How ffmpeg and ffprobe are run: they decode what strangers send, and may be programs that strangers made. They get no
 * secret of the part that starts them, and take no more than a session needs.
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

const LIMITS = [
  `--as=${MOST_ADDRESS_SPACE_BYTES}`,
  `--nofile=${MOST_OPEN_FILES}`,
  `--fsize=${MOST_FILE_BYTES}`,
  '--core=0',
];

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

/** Whether this machine can limit what a program takes: it has prlimit of util-linux. */
export const canLimit = (): boolean => find('prlimit') !== undefined;

export interface ConfinedCommand {
  command: string;
  args: string[];
  env: NodeJS.ProcessEnv;
}

/**
 * The command that runs a program with a minimal environment and, where this machine can, with limits. Its process id is
 * that of the program: prlimit becomes it. A program that is not there is named as it is, so that its absence shows as
 * that.
 */
export const confined = (program: string, args: readonly string[]): ConfinedCommand => {
  const env = minimalEnvironment();
  const prlimit = find('prlimit');
  const found = find(program);
  if (prlimit === undefined || found === undefined) return { command: program, args: [...args], env };
  return { command: prlimit, args: [...LIMITS, found, ...args], env };
};

/** Starts a program confined; `options` as of spawn. */
export const spawnConfined = (
  program: string,
  args: readonly string[],
  options: Omit<SpawnOptions, 'env'>,
): ChildProcess => {
  const { command, args: all, env } = confined(program, args);
  return spawn(command, all, { ...options, env });
};

const execute = promisify(execFile);

/** Runs a program confined to its end; `options` and failures as of execFile. @returns what it wrote, as text */
export const runConfined = (
  program: string,
  args: readonly string[],
  options: Omit<ExecFileOptions, 'env' | 'encoding'>,
): Promise<{ stdout: string; stderr: string }> => {
  const { command, args: all, env } = confined(program, args);
  return execute(command, all, { ...options, env, encoding: 'utf8' });
};
