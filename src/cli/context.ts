import type { Command } from 'commander';
import { SwarmError } from '../domain';
import { linkScheme } from '../platform/links/link-tls';
import { runOn } from '../platform/processes/run-record';
import { ApiClient } from './api-client';
import { tokenFor } from './token';

/** What a command needs to do its work. */
export interface CommandContext {
  /** @throws SwarmError bad-request, unavailable where it is not known which API is meant */
  readonly api: ApiClient;
  json: boolean;
  /** Prints `value` as JSON with --json, else the lines. */
  print: (value: unknown, lines: () => string[]) => void;
}

/** Where an API of this machine is. */
const defaultApiUrl = (): string => `${linkScheme()}://127.0.0.1:7700`;

/** The state folder of a command, and whether it was named as an option: then that swarm is meant, and no other. */
export const stateFolderOf = (command: Command): { stateDir: string | undefined; isNamed: boolean } => ({
  stateDir: command.optsWithGlobals<{ stateDir?: string }>().stateDir,
  isNamed: command.getOptionValueSource('stateDir') === 'cli',
});

interface UrlSources {
  /** By an option. */
  named: string | undefined;
  fromEnvironment: string | undefined;
  /** The folder may also be named for what it holds, as the key of the stamps, by who changes nothing. */
  mayRunElsewhere?: boolean | undefined;
}

/**
 * Where a swarm is reached: what an option names, then the environment, then what the swarm wrote that runs on the state
 * folder. Of a folder that an option names, only the swarm that runs there counts.
 * @param what the URL that is wanted
 * @throws SwarmError unavailable where no swarm runs on the folder that an option names
 */
export const urlOf = (
  command: Command,
  what: 'api' | 'relay',
  { named, fromEnvironment, mayRunElsewhere = false }: UrlSources,
): string | undefined => {
  if (named !== undefined) return named;
  const { stateDir, isNamed } = stateFolderOf(command);
  if (!isNamed && fromEnvironment) return fromEnvironment;
  const running = stateDir === undefined ? undefined : runOn(stateDir)?.urls?.[what];
  if (running !== undefined || !isNamed) return running;
  if (mayRunElsewhere) return fromEnvironment || undefined;
  throw new SwarmError(
    'unavailable',
    `No swarm runs on the state folder ${stateDir}.`,
    `Start it with npm start -- --state-dir ${stateDir}, or name where it is with --${what} URL.`,
  );
};

/** Reads the options that every command takes. */
export const contextOf = (
  command: Command,
  { mayRunElsewhere }: Pick<UrlSources, 'mayRunElsewhere'> = {},
): CommandContext => {
  const options = command.optsWithGlobals<{
    json?: boolean;
    api?: string;
    tokenFile?: string;
  }>();
  const json = options.json ?? false;
  const open = (): ApiClient => {
    const fromEnvironment = process.env.SWARM_API_URL;
    const sources = { named: options.api, fromEnvironment, mayRunElsewhere };
    const url = apiUrl(urlOf(command, 'api', sources) ?? defaultApiUrl());
    return new ApiClient(url, () => tokenFor(url, { named: options.tokenFile, ...stateFolderOf(command) }));
  };
  let api: ApiClient | undefined;
  return {
    get api() {
      return (api ??= open());
    },
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
