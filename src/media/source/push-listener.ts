import express, { type Request, type Response } from 'express';
import { z } from 'zod';
import { pushRoutes } from '../../contracts/source';
import { SwarmError, idSchema } from '../../domain';
import { bearerOf } from '../../platform/gate';
import { listen, parseOrRefuse, type Listener, type RunningServer } from '../../platform/http';
import { Sender } from './sender';
import type { Senders } from './senders';

/** A sender that brings nothing for so long has gone, and does not know it. */
const IDLE_MS = 30_000;
/** Much more than there are channels; one that is not known goes at once. */
const MOST_CONNECTIONS = 1_024;

const params = z.object({ id: idSchema });
const query = z.object({ key: z.string().max(200).optional() });

/** Takes a contribution until it ends. */
const take = async (senders: Senders, req: Request, res: Response): Promise<void> => {
  const { id } = parseOrRefuse(params, req.params, 'channel');
  const { key = '' } = parseOrRefuse(query, req.query, 'query');
  res.set('connection', 'close');
  const shown = bearerOf(req.headers.authorization) ?? key;
  const sender = senders.push(id, shown, () => new Sender(req));
  req.setTimeout(IDLE_MS, () => req.destroy());
  await sender.ended;
  if (!req.complete)
    throw new SwarmError('input-ended', `What was sent to ${id} is not taken any more.`, 'Send it again.');
  res.json({ channelId: id });
};

/**
 * Takes contributions by HTTP, from those who know the key of their channel.
 * @throws SwarmError unavailable when the port is taken
 */
export const startPushListener = (
  { host, port, names, log }: Omit<Listener, 'routes'>,
  senders: Senders,
): Promise<RunningServer> => {
  const app = express();
  app.disable('x-powered-by');
  const handler = (req: Request, res: Response): Promise<void> => take(senders, req, res);
  app.route('/push/:id').put(handler).post(handler);
  return listen(app, {
    ...{ host, port, routes: pushRoutes, ...(names && { names }), log },
    callers: 'people',
    whenFull: 'idlest-goes',
    limits: { maxConnections: MOST_CONNECTIONS, requestTimeoutMs: 0 },
  });
};
