import type { Command } from 'commander';
import { SwarmError } from '../domain';
import { linkScheme } from '../platform/links/link-tls';
import { runOn } from '../platform/processes/run-record';
import { ApiClient } from './api-client';
import { tokenFor } from './token';

/** What a command needs to do its work. */
export interface CommandContext {
  api: ApiClient;
  json: boolean;
  /** Prints `value` as JSON with --json, else the lines. */
  print: (value: unknown, lines: () => string[]) => void;
}

/** Where an API of this machine is. */
const defaultApiUrl = (): string => `${linkScheme()}://127.0.0.1:7700`;

/**
 * Where a swarm is reached: what an option names, then the environment, then what the swarm wrote that runs on the state
 * folder. A folder that an option names goes before the environment.
 * @param named URL by an option
 * @param what the URL that is wanted
 */
export const urlOf = (
  command: Command,
  what: 'api' | 'relay',
  { named, fromEnvironment }: { named: string | undefined; fromEnvironment: string | undefined },
): string | undefined => {
  if (named !== undefined) return named;
  const { stateDir } = command.optsWithGlobals<{ stateDir?: string }>();
  const running = (): string | undefined =>
    stateDir === undefined ? undefined : runOn(stateDir)?.urls?.[what];
  return command.getOptionValueSource('stateDir') === 'cli'
    ? (running() ?? (fromEnvironment || undefined))
    : fromEnvironment || running();
};

/** Reads the options that every command takes. @throws SwarmError bad-request for an --api that is not a URL */
export const contextOf = (command: Command): CommandContext => {
  const options = command.optsWithGlobals<{
    json?: boolean;
    api?: string;
    tokenFile?: string;
    stateDir?: string;
  }>();
  const json = options.json ?? false;
  const fromEnvironment = process.env.SWARM_API_URL;
  const url = apiUrl(urlOf(command, 'api', { named: options.api, fromEnvironment }) ?? defaultApiUrl());
  const { tokenFile: named, stateDir } = options;
  return {
    api: new ApiClient(url, () => tokenFor(url, { named, stateDir })),
    json,
    print: (value, lines) => {
      process.stdout.write(`${json ? JSON.stringify(value, null, 2) : lines().join('\n')}\n`);
    },
  };
};

const apiUrl = (text: string): string => {
  if (/^https?:$/.test(URL.canParse(text) ? new URL(text).protocol : '')) return text.replace(/\/+$/, '');
  throw new SwarmError(
    'bad-request',
    `${JSON.stringify(text)} is not the URL of an API.`,
    `Write it like ${defaultApiUrl()}.`,
  );
};
