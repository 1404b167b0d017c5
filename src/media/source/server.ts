import express from 'express';
import { z } from 'zod';
import { ownNamesOf, type Environment } from '../../config/config';
import { relaysOf } from '../../config/shared-relays';
import { mediaHealthOf } from '../../contracts/health';
import {
  lookRequestSchema,
  sourceRoutes,
  sourcePutQuerySchema,
  sourceSpecSchema,
  wholeInputSchema,
} from '../../contracts/source';
import { inputSwitchRequestSchema } from '../../contracts/source-standby';
import { idSchema } from '../../domain';
import { isLoopback } from '../../platform/addresses';
import type { FolderLock } from '../../platform/folder-lock';
import { healthAnswer, listen, parseOrRefuse, type RunningServer } from '../../platform/http';
import { createLogger, type Logger } from '../../platform/logger';
import { startOnFolder } from '../../platform/part-folder';
import { confinement } from '../../platform/processes/confined';
import { memoryOfMachine } from '../../platform/shared-budget';
import { StorageHealth } from '../../platform/storage-health';
import { loadOrCreateStampKey } from '../stamp';
import { HiddenAddresses, useHiddenAddresses } from './hidden-addresses';
import { PRIVATE_NETWORKS, strictRules, type InputRules } from './input-policy';
import { startPushListener } from './push-listener';
import { RelayLink } from './relay-link';
import { Senders } from './senders';
import { SourceChannels } from './source-channels';
import { Timelines } from './timelines';

export interface SourceOptions {
  host: string;
  /** 0 picks a free port. */
  port: number;
  stateDir: string;
  relayUrl: string;
  /** All relays, each of which is sent every channel; default: the one at `relayUrl`. */
  relays?: readonly { name: string; url: string }[];
  /** Where contributions are taken by HTTP; 0 picks a free one; absent: nowhere. */
  pushPort?: number;
  ffmpeg: string;
  ffprobe: string;
  /** What an input may be; default: a file below `<stateDir>/inputs`, or a URL at a public address. */
  inputs?: InputRules;
  /** DNS names under which it is reached; default none but localhost. */
  names?: readonly string[];
  /** What may be held of all live inputs together; default a quarter of the machine's memory. */
  memoryBytes?: number;
  /** Files and connections that this process may have open; default: what the system allows. */
  openFiles?: number;
  log?: Logger;
}

export interface Source {
  port: number;
  /** Where contributions are taken by HTTP. */
  pushPort?: number;
  stop(): Promise<void>;
}

/**
 * A source that is reached from this machine alone takes orders from people who may read its files and networks anyway.
 * One that others reach does not. Addresses of the link, where clouds keep their credentials, are nobody's input.
 */
const inputRulesFrom = (environment: Environment): InputRules => {
  const { SWARM_HOST, SWARM_STATE_DIR, SWARM_INPUT_DIR, SWARM_INPUT_NETWORKS } = environment;
  const otherwise = isLoopback(SWARM_HOST)
    ? { inputDir: '/', networks: PRIVATE_NETWORKS }
    : strictRules(SWARM_STATE_DIR);
  return {
    inputDir: SWARM_INPUT_DIR ?? otherwise.inputDir,
    networks: SWARM_INPUT_NETWORKS ?? otherwise.networks,
    trusted: new Set(environment.SWARM_INPUTS_TRUSTED.split(',')),
  };
};

export const sourceOptionsFrom = (environment: Environment): SourceOptions => ({
  host: environment.SWARM_HOST,
  port: environment.SWARM_SOURCE_PORT,
  ...(environment.SWARM_PUSH_PORT !== undefined && { pushPort: environment.SWARM_PUSH_PORT }),
  stateDir: environment.SWARM_STATE_DIR,
  relayUrl: environment.SWARM_RELAY_URL,
  relays: relaysOf(environment),
  ffmpeg: environment.FFMPEG,
  ffprobe: environment.FFPROBE,
  names: ownNamesOf(environment),
  inputs: inputRulesFrom(environment),
  ...(environment.SWARM_OPEN_FILES !== undefined && { openFiles: environment.SWARM_OPEN_FILES }),
  ...(environment.SWARM_SOURCE_MEMORY_MIB !== undefined && {
    memoryBytes: environment.SWARM_SOURCE_MEMORY_MIB * 2 ** 20,
  }),
});

const idParams = z.object({ id: idSchema });
const refParams = z.object({ ref: z.string().regex(/^[0-9a-f]{32}$/) });

/**
 * Starts the source and takes up the channels of the last run. The relay may come later.
 * @throws SwarmError unavailable when the port is taken; conflict when another process uses the state, or a newer
 * release wrote it
 */
export const startSource = (options: SourceOptions): Promise<Source> =>
  startOnFolder(options.stateDir, 'source', (lock) => startLocked(options, lock));

const startLocked = async (options: SourceOptions, lock: FolderLock): Promise<Source> => {
  const log = options.log ?? createLogger('source');
  const { ffmpeg, ffprobe, stateDir, memoryBytes = memoryOfMachine() / 4, openFiles } = options;
  const { inputs = strictRules(stateDir) } = options;
  const stampKey = await loadOrCreateStampKey(stateDir);
  const all = options.relays ?? [{ name: 'relay', url: options.relayUrl }];
  const relays = all.map(({ name, url }) => new RelayLink(name, url));
  const timelines = new Timelines(stateDir, relays, log);
  const health = new StorageHealth(log);
  const senders = new Senders({ ffmpeg, ffprobe, takesPushes: options.pushPort !== undefined });
  const tools = { ffmpeg, ffprobe, stampKey, senders, log };
  const channels = new SourceChannels(stateDir, timelines, health, tools, { memoryBytes, openFiles }, inputs);

  const app = express();
  app.disable('x-powered-by');
  app.use(express.json({ limit: '16kb' }));
  app.get('/healthz', (req, res) => {
    res.json(healthAnswer(req, mediaHealthOf(channels, health)));
  });
  app.get('/channels', (_req, res) => {
    res.json(channels.list());
  });
  app.post('/inputs/look', async (req, res) => {
    const { url, choice } = parseOrRefuse(lookRequestSchema, req.body, 'body');
    res.json(await channels.look(url, choice));
  });
  app.put('/inputs/:ref', (req, res) => {
    const { ref } = parseOrRefuse(refParams, req.params, 'reference');
    channels.keepInput(ref, parseOrRefuse(wholeInputSchema, req.body, 'body').url);
    res.status(204).end();
  });
  app
    .route('/channels/:id')
    .put(async (req, res) => {
      const { id } = parseOrRefuse(idParams, req.params, 'channel');
      const spec = parseOrRefuse(sourceSpecSchema, req.body, 'body');
      const { may_be_away: mayBeAway } = parseOrRefuse(sourcePutQuerySchema, req.query, 'query');
      res.json(await channels.put({ id, ...spec }, { mayBeAway }));
    })
    .delete(async (req, res) => {
      await channels.remove(parseOrRefuse(idParams, req.params, 'channel').id);
      res.status(204).end();
    });

  app.post('/channels/:id/switch', async (req, res) => {
    const { id } = parseOrRefuse(idParams, req.params, 'channel');
    const request = parseOrRefuse(inputSwitchRequestSchema, req.body, 'body');
    res.json(await channels.switchInput(id, request));
  });
  app.delete('/channels/:id/switches', async (req, res) => {
    res.json(await channels.cancelSwitches(parseOrRefuse(idParams, req.params, 'channel').id));
  });

  const hidden = await HiddenAddresses.start(log);
  useHiddenAddresses(hidden);
  await timelines.resume();
  await channels.resume();
  const { host, port, names } = options;
  const listener = { host, port, routes: sourceRoutes, ...(names && { names }), log };
  const { pushPort } = options;
  let pushes: RunningServer | undefined;
  const running = await (async () => {
    if (pushPort !== undefined) pushes = await startPushListener({ ...listener, port: pushPort }, senders);
    return listen(app, listener);
  })().catch(async (error: unknown) => {
    await Promise.all([channels.stop(), pushes?.close()]);
    await senders.stop();
    await hidden.stop();
    throw error;
  });
  const confined = confinement();
  if (!confined.limits) log.warn('there is no prlimit: what ffmpeg takes is not limited');
  log.info({ port: running.port, channels: channels.list().length, confined }, 'source listens');
  return {
    port: running.port,
    ...(pushes && { pushPort: pushes.port }),
    stop: async () => {
      await channels.stop();
      await senders.stop();
      await pushes?.close();
      useHiddenAddresses(undefined);
      await hidden.stop();
      await running.close();
      await lock.release();
    },
  };
};
