import type { Express, Request, Response } from 'express';
import { z } from 'zod';
import { relaySpecSchema } from '../../contracts/relay';
import { SwarmError, idSchema } from '../../domain';
import { parseOrRefuse } from '../../platform/http';
import { ingest } from './ingest';
import type { RelayChannels } from './relay-channels';

const gopSchema = z.coerce.number().int().min(0).max(1e9);
const idParams = z.object({ id: idSchema });
const gopParams = idParams.extend({ gop: gopSchema });
const feedQuery = z.object({ from_gop: gopSchema });
const ingestQuery = z.object({ expect_gop: gopSchema.optional() });
const ledgerQuery = z.object({ wait_ms: z.coerce.number().int().min(0).max(10_000).default(0) });
const ledgersQuery = z.object({ from: gopSchema, to: gopSchema });

/** The relay's calls, as docs/reference/protocols/relay.md lists them. */
export const addRoutes = (app: Express, channels: RelayChannels, ingestIdleMs: number): void => {
  const channelOf = (req: Request) => channels.get(parseOrRefuse(idParams, req.params, 'channel').id);

  app.get('/channels', (_req, res) => {
    res.json(channels.list().map((channel) => channel.info));
  });

  app
    .route('/channels/:id')
    .put(async (req, res) => {
      const { id } = parseOrRefuse(idParams, req.params, 'channel');
      const { gopDurationTicks } = parseOrRefuse(relaySpecSchema, req.body, 'body');
      res.json((await channels.add(id, gopDurationTicks)).info);
    })
    .get((req, res) => {
      res.json(channelOf(req).info);
    })
    .delete(async (req, res) => {
      await channels.remove(parseOrRefuse(idParams, req.params, 'channel').id);
      res.status(204).end();
    });

  app.post('/channels/:id/ingest', async (req, res) => {
    const { expect_gop } = parseOrRefuse(ingestQuery, req.query, 'query');
    await ingest(channelOf(req), expect_gop, req, res, ingestIdleMs);
  });

  app.get('/channels/:id/feed', (req, res) => {
    const { from_gop } = parseOrRefuse(feedQuery, req.query, 'query');
    const channel = channelOf(req);
    channel.openFeed(from_gop, res);
  });

  app.get('/channels/:id/ledger/:gop', async (req, res) => {
    const { gop } = parseOrRefuse(gopParams, req.params, 'GOP');
    const { wait_ms } = parseOrRefuse(ledgerQuery, req.query, 'query');
    res.json(await channelOf(req).ledgerOf(gop, wait_ms, closedSignal(res)));
  });

  app.get('/channels/:id/ledger', (req, res) => {
    const { from, to } = parseOrRefuse(ledgersQuery, req.query, 'query');
    if (to < from) throw new SwarmError('bad-request', `"to" (${to}) is below "from" (${from}).`);
    res.json(channelOf(req).ledgersBetween(from, to));
  });
};

/** Aborted when the caller goes away. */
const closedSignal = (res: Response): AbortSignal => {
  const controller = new AbortController();
  res.on('close', () => controller.abort());
  return controller.signal;
};
