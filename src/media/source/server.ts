import express from 'express';
import { z } from 'zod';
import type { Environment } from '../../config/config';
import type { MediaHealth } from '../../contracts/health';
import {
  lookRequestSchema,
  sourcePutQuerySchema,
  sourceSpecSchema,
  wholeInputSchema,
} from '../../contracts/source';
import { idSchema } from '../../domain';
import type { FolderLock } from '../../platform/folder-lock';
import { errorHandler, listen, parseOrRefuse } from '../../platform/http';
import { createLogger, type Logger } from '../../platform/logger';
import { startOnFolder } from '../../platform/part-folder';
import { memoryOfMachine } from '../../platform/shared-budget';
import { StorageHealth } from '../../platform/storage-health';
import { loadOrCreateStampKey } from '../stamp';
import { RelayLink } from './relay-link';
import { SourceChannels } from './source-channels';

export interface SourceOptions {
  host: string;
  /** 0 picks a free port. */
  port: number;
  stateDir: string;
  relayUrl: string;
  ffmpeg: string;
  ffprobe: string;
  /** What may be held of all live inputs together; default a quarter of the machine's memory. */
  memoryBytes?: number;
  log?: Logger;
}

export interface Source {
  port: number;
  stop(): Promise<void>;
}

export const sourceOptionsFrom = (environment: Environment): SourceOptions => ({
  host: environment.SWARM_HOST,
  port: environment.SWARM_SOURCE_PORT,
  stateDir: environment.SWARM_STATE_DIR,
  relayUrl: environment.SWARM_RELAY_URL,
  ffmpeg: environment.FFMPEG,
  ffprobe: environment.FFPROBE,
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
  const { ffmpeg, ffprobe, stateDir, memoryBytes = memoryOfMachine() / 4 } = options;
  const stampKey = await loadOrCreateStampKey(stateDir);
  const relay = new RelayLink(options.relayUrl);
  const health = new StorageHealth(log);
  const tools = { ffmpeg, ffprobe, stampKey, log };
  const channels = new SourceChannels(stateDir, relay, health, tools, memoryBytes);

  const app = express();
  app.disable('x-powered-by');
  app.use(express.json({ limit: '16kb' }));
  app.get('/healthz', (_req, res) => {
    const answer: MediaHealth = {
      status: 'ok',
      channels: channels.list().length,
      storage: health.status,
      damaged: channels.damaged,
    };
    res.json(answer);
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
  app.use(errorHandler(log));

  await channels.resume();
  const running = await listen(app, options.port, options.host).catch(async (error: unknown) => {
    await channels.stop();
    throw error;
  });
  log.info({ port: running.port, channels: channels.list().length }, 'source listens');
  return {
    port: running.port,
    stop: async () => {
      await channels.stop();
      await running.close();
      await lock.release();
    },
  };
};
