import type { Express, Request, Response } from 'express';
import { z } from 'zod';
import {
  FEED_PROOF_HEADER,
  OWNER_PROOF_HEADER,
  knownSplicesSchema,
  relaySpecSchema,
} from '../../contracts/relay';
import { SwarmError, idSchema, spliceRequestSchema } from '../../domain';
import { digestOf, equalDigests } from '../../platform/gate';
import { parseOrRefuse } from '../../platform/http';
import { Turns } from '../../platform/turns';
import { ingest } from './ingest';
import type { RelayChannels } from './relay-channels';

const gopSchema = z.coerce.number().int().min(0).max(1e9);
const idParams = z.object({ id: idSchema });
const gopParams = idParams.extend({ gop: gopSchema });
const feedQuery = z.object({ from_gop: gopSchema });
const ingestQuery = z
  .object({
    expect_gop: gopSchema.optional(),
    from_gop: gopSchema.optional(),
    source_ticks: z.coerce
      .number()
      .int()
      .min(0)
      .lt(2 ** 33)
      .optional(),
  })
  .refine(
    (query) => (query.from_gop === undefined) === (query.source_ticks === undefined),
    'from_gop and source_ticks go together',
  );
const ledgerQuery = z.object({ wait_ms: z.coerce.number().int().min(0).max(10_000).default(0) });
const ledgerHeaders = z.object({
  [OWNER_PROOF_HEADER]: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});
const ledgersQuery = z.object({ from: gopSchema, to: gopSchema });

export interface RouteLimits {
  /** A contribution that sends nothing for this long counts as dead. */
  ingestIdleMs: number;
  /** Feeds at the same time, and of one channel: see Turns. */
  maxFeeds: number;
  maxFeedsOfChannel: number;
}

/** The relay's calls, as docs/reference/protocols/relay.md lists them. */
export const addRoutes = (app: Express, channels: RelayChannels, limits: RouteLimits): void => {
  const feeds = new Turns(limits.maxFeeds, { mostOfChannel: limits.maxFeedsOfChannel });
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
    const { expect_gop, from_gop, source_ticks } = parseOrRefuse(ingestQuery, req.query, 'query');
    const place =
      from_gop !== undefined && source_ticks !== undefined
        ? { gop: from_gop, sourceTicks: source_ticks }
        : undefined;
    await ingest(channelOf(req), { expectedGop: expect_gop, place }, req, res, limits.ingestIdleMs);
  });

  app.get('/channels/:id/feed', (req, res) => {
    const { from_gop } = parseOrRefuse(feedQuery, req.query, 'query');
    const channel = channelOf(req);
    const shown = req.get(FEED_PROOF_HEADER);
    const digest = shown === undefined ? null : digestOf(shown);
    // Asked when a newcomer needs a place: the reader of today may be the owner of tomorrow.
    const isOwner = (): boolean =>
      digest !== null && channel.ownerProof !== null && equalDigests(digest, channel.ownerProof);
    const holder = { client: req.socket.remoteAddress ?? '', channel: channel.id };
    const turn = feeds.take(holder, isOwner);
    if (!turn) throw new SwarmError('unavailable', 'Too many feeds are read.', 'Ask again in a moment.');
    res.once('close', () => turn.leave());
    turn.signal.addEventListener('abort', () => res.destroy());
    channel.openFeed(from_gop, res);
  });

  app.post('/channels/:id/splices', async (req, res) => {
    res.json(await channelOf(req).splice(parseOrRefuse(spliceRequestSchema, req.body, 'splice')));
  });

  app.get('/channels/:id/splices', (req, res) => {
    res.json({ splices: channelOf(req).knownSplices });
  });

  app.put('/channels/:id/splices', (req, res) => {
    channelOf(req).adoptSplices(parseOrRefuse(knownSplicesSchema, req.body, 'splices').splices);
    res.status(204).end();
  });

  app.get('/channels/:id/ledger/:gop', async (req, res) => {
    const { gop } = parseOrRefuse(gopParams, req.params, 'GOP');
    const { wait_ms } = parseOrRefuse(ledgerQuery, req.query, 'query');
    const { [OWNER_PROOF_HEADER]: proof } = parseOrRefuse(ledgerHeaders, req.headers, 'header');
    const channel = channelOf(req);
    if (proof !== undefined) channel.ownerProof = Buffer.from(proof, 'hex');
    res.json(await channel.ledgerOf(gop, wait_ms, closedSignal(res)));
  });

  app.get('/channels/:id/pictures/:gop', (req, res) => {
    res.json(channelOf(req).picturesOf(parseOrRefuse(gopParams, req.params, 'GOP').gop));
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
