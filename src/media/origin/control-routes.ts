import { Router, json, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';
import {
  declaredGapSchema,
  gopNumberSchema,
  originSpecSchema,
  ownRequestSchema,
  ownerSchema,
  tokenSchema,
  type PutAnswer,
} from '../../contracts/origin';
import { feedProofOf } from '../../contracts/relay';
import { SwarmError, idSchema, renditionFieldsSchema, type ErrorCode } from '../../domain';
import { keepConnection } from '../../platform/connections';
import { digestOf } from '../../platform/gate';
import { parseOrRefuse } from '../../platform/http';
import { LimitedLog, urlForLog } from '../../platform/limited-log';
import type { Logger } from '../../platform/logger';
import { Turns, type Holder, type TakenTurn } from '../../platform/turns';
import type { Channel } from './channel';
import type { Origin } from './origin';
import type { PublishAttempt } from './ownership';
import { discardBody, readBody } from './read-body';
import { wholeNumberSchema } from './records';
import { passOnToLeader } from './replication';

/** Routes of workflows and encoders, `/channels/…` (docs/reference/protocols/origin.md). */

export interface ControlLimits {
  maxBodyBytes: number;
  bodyTimeoutMs: number;
  /** GOPs that may be in flight, and callers that may wait for a GOP, at the same time over all channels: see Turns. */
  maxUploads: number;
  maxWaits: number;
}

const gopParameter = wholeNumberSchema.pipe(gopNumberSchema);

const channelParameters = z.object({ id: idSchema });
const gopParameters = z.object({ id: idSchema, gop: gopParameter });
const waitQuery = z.object({
  gop: gopParameter,
  timeout_ms: wholeNumberSchema.pipe(z.int().max(60_000)).default(10_000),
});
const ledgerQuery = z.object({ from: gopParameter.default(0), to: gopParameter.default(1e12) });

/** `name=bytes`, and `/2` or `/3` where the segment holds every second or third picture of the GOP. */
const DECLARED_RENDITION = /^([^=]*)=(\d{1,9})(?:\/([23]))?$/;

const declaredRenditions = z
  .string()
  .max(1_000)
  .transform((text) =>
    text.split(',').map((part) => {
      const [, name, bytes, divisor] = DECLARED_RENDITION.exec(part.trim()) ?? [];
      return {
        name,
        bytes: Number(bytes),
        ...(divisor !== undefined && { frameRateDivisor: Number(divisor) }),
      };
    }),
  )
  .pipe(
    z
      .array(
        z.object({
          name: renditionFieldsSchema.shape.name,
          bytes: z.int().min(1),
          frameRateDivisor: z.int().optional(),
        }),
      )
      .max(8),
  )
  .refine((list) => new Set(list.map((r) => r.name)).size === list.length, 'name each rendition once');
/** Its digest is what was granted: the text as it is shown. */
const sessionSecretSchema = z.string().regex(/^[A-Za-z0-9_-]{22,256}$/, 'use 22 to 256 digits of base64url');
const gopHeaders = z.object({
  'x-fencing-token': wholeNumberSchema.pipe(tokenSchema),
  'x-renditions': declaredRenditions,
  'x-encoder-id': ownerSchema.shape.encoderId,
  'x-session-id': ownerSchema.shape.sessionId,
  'x-session-secret': sessionSecretSchema.optional(),
});

const partialHeaders = gopHeaders.extend({
  'x-encode-run': z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'use 1 to 64 of A-Z, a-z, 0-9 and "-"'),
  'x-until-ticks': wholeNumberSchema.pipe(z.int()),
});
const partialParameters = z.object({ index: wholeNumberSchema.pipe(z.int().max(999)) });

/** What an owner has put. */
interface Put<H> {
  req: Request;
  attempt: PublishAttempt;
  headers: H;
  body: Buffer;
}

/** The connection of an owner who has proved himself; longer than the longest GOP. */
const OWNER_KEPT_MS = 120_000;

/** How long a refused caller may go on sending its body. */
const DISCARD_GRACE_MS = 5_000;

const atLimit = (what: string): SwarmError =>
  new SwarmError('unavailable', `Too many ${what} at the same time.`, 'Ask again in a moment.');

const holderOf = (req: Request, channel: string): Holder => ({
  client: req.socket.remoteAddress ?? '',
  channel,
});

/** Refusals that are no part of an orderly handoff. */
const alarming = new Set<ErrorCode>([
  'bad-request',
  'malformed-segment',
  'segment-too-large',
  'ledger-mismatch',
  'ledger-unavailable',
  'unavailable',
  'storage-full',
]);

export const controlRoutes = (origin: Origin, limits: ControlLimits, log: Logger): Router => {
  const router = Router();
  const body = json({ limit: '16kb' });
  const refusals = new LimitedLog(log);
  const uploads = new Turns(limits.maxUploads);
  const waits = new Turns(limits.maxWaits);

  const idOf = (req: Request): string => parseOrRefuse(channelParameters, req.params, 'channel').id;
  /** Counts and logs what a change of this channel is refused for. */
  const counting =
    (handler: (req: Request, res: Response) => Promise<void>): RequestHandler =>
    async (req, res) => {
      try {
        await handler(req, res);
      } catch (error) {
        if (error instanceof SwarmError) {
          const channel = origin.find(String(req.params.id));
          channel?.countRefusal(error.code);
          const level = alarming.has(error.code) ? 'warn' : 'debug';
          const fields = { channel: channel?.id, code: error.code, url: urlForLog(req.originalUrl) };
          refusals.write(level, error.code, fields, error.message);
        }
        throw error;
      }
    };

  router.get('/', async (_req, res) => {
    res.json(await origin.refreshedList());
  });

  if (origin.group) {
    // A channel that was added by another origin a moment ago.
    router.use('/:id', async (req, _res, next) => {
      const { data: id } = idSchema.safeParse(req.params.id);
      if (id !== undefined) await origin.look(id);
      next();
    });
    for (const change of ['own', 'gaps', 'gops/:gop'])
      router.all(`/:id/${change}`, passOnToLeader(origin.group));
  }

  router.get('/:id', async (req, res) => {
    const channel = origin.channel(idOf(req));
    await channel.refresh();
    res.json(channel.describe());
  });

  router.put('/:id', body, async (req, res) => {
    res.json(await origin.register(idOf(req), parseOrRefuse(originSpecSchema, req.body, 'channel')));
  });

  router.delete('/:id', async (req, res) => {
    await origin.remove(idOf(req));
    res.status(204).end();
  });

  router.post(
    '/:id/own',
    body,
    counting(async (req, res) => {
      const channel = origin.channel(idOf(req));
      res.json(await channel.own(parseOrRefuse(ownRequestSchema, req.body, 'ownership request')));
    }),
  );

  router.post(
    '/:id/gaps',
    body,
    counting(async (req, res) => {
      const channel = origin.channel(idOf(req));
      res.json(await channel.declareGap(parseOrRefuse(declaredGapSchema, req.body, 'gap')));
    }),
  );

  /** Takes what an owner publishes: who he is, then a place, then the body. */
  const taking =
    <H extends z.ZodType<z.infer<typeof gopHeaders>>>(
      headersSchema: H,
      publish: (channel: Channel, put: Put<z.infer<H>>) => Promise<{ duplicate: boolean }>,
    ): ((req: Request, res: Response) => Promise<void>) =>
    async (req, res) => {
      const { id, gop } = parseOrRefuse(gopParameters, req.params, 'GOP');
      let turn: TakenTurn | null = null;
      try {
        const channel = origin.channel(id);
        const headers = parseOrRefuse(headersSchema, req.headers, 'header');
        const secret = headers['x-session-secret'];
        const attempt = {
          gop,
          token: headers['x-fencing-token'],
          encoderId: headers['x-encoder-id'],
          sessionId: headers['x-session-id'],
          ...(secret !== undefined && { secretSha256: digestOf(secret).toString('hex') }),
        };
        // Before it takes a place: one who is not the owner gets none.
        await channel.admit(attempt);
        turn = uploads.take(holderOf(req, id));
        if (!turn) throw atLimit('GOPs are being put');
        const body = await readBody(req, limits.maxBodyBytes, limits.bodyTimeoutMs, turn);
        const { duplicate } = await publish(channel, { req, attempt, headers, body });
        if (attempt.secretSha256 !== undefined) keepConnection(req, OWNER_KEPT_MS);
        res.status(duplicate ? 200 : 201).json({ gop, ...(duplicate && { duplicate }) } satisfies PutAnswer);
      } finally {
        turn?.leave();
        discardBody(req, DISCARD_GRACE_MS);
      }
    };

  router.put(
    '/:id/gops/:gop',
    counting(
      taking(gopHeaders, (channel, { attempt, headers, body }) => {
        const secret = headers['x-session-secret'];
        const feedProof = secret === undefined ? undefined : digestOf(feedProofOf(secret)).toString('hex');
        return channel.publish(attempt, headers['x-renditions'], body, feedProof);
      }),
    ),
  );

  router.put(
    '/:id/gops/:gop/partials/:index',
    counting(
      taking(partialHeaders, (channel, { req, attempt, headers, body }) => {
        const { index } = parseOrRefuse(partialParameters, req.params, 'partial segment');
        const place = { index, run: headers['x-encode-run'], untilTicks: headers['x-until-ticks'] };
        return channel.publishPartial({ ...attempt, ...place }, headers['x-renditions'], body);
      }),
    ),
  );

  router.get('/:id/wait', async (req, res) => {
    const { gop, timeout_ms } = parseOrRefuse(waitQuery, req.query, 'query');
    const id = idOf(req);
    const channel = origin.channel(id);
    const turn = waits.take(holderOf(req, id));
    if (!turn) throw atLimit('callers wait for GOPs');
    const caller = new AbortController();
    res.once('close', () => caller.abort());
    try {
      const patience = AbortSignal.any([caller.signal, turn.signal]);
      res.json(await channel.wait(gop, timeout_ms, patience));
    } finally {
      turn.leave();
    }
  });

  router.get('/:id/ledger', (req, res) => {
    const { from, to } = parseOrRefuse(ledgerQuery, req.query, 'query');
    res.json(origin.channel(idOf(req)).ledgerEntries(from, to));
  });

  return router;
};
