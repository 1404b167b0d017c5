import { setTimeout as sleep } from 'node:timers/promises';
import express, { Router, type Response } from 'express';
import { z } from 'zod';
import type { FleetEncoder } from '../../../src/contracts/fleet';
import type { MediaHealth } from '../../../src/contracts/health';
import { declaredGapSchema, originSpecSchema, ownRequestSchema } from '../../../src/contracts/origin';
import { relaySpecSchema } from '../../../src/contracts/relay';
import { sourceSpecSchema, type SourceChannel } from '../../../src/contracts/source';
import { SwarmError } from '../../../src/domain';
import { parseOrRefuse } from '../../../src/platform/http';
import type { SimulatedPlane } from './simulated-plane';

const between = z.object({ from: z.coerce.number().int().min(0), to: z.coerce.number().int().min(0) });
const waitQuery = z.object({
  gop: z.coerce.number().int().min(0),
  timeout_ms: z.coerce.number().int().min(0).max(10_000),
});

const health = (plane: SimulatedPlane): MediaHealth => ({
  status: 'ok',
  channels: plane.size,
  storage: { state: 'ok', sinceMs: null, message: null, affected: [] },
  damaged: [],
});

/** A part of the data plane: what is the same for all of them. */
const partOf = (plane: SimulatedPlane): Router => {
  const router = Router();
  router.use(express.json({ limit: '64kb' }));
  router.get('/healthz', (_req, res) => {
    res.json(health(plane));
  });
  router.delete('/channels/:id', (req, res) => {
    plane.remove(req.params.id);
    res.status(204).end();
  });
  return router;
};

const signalOf = (res: Response): AbortSignal => {
  const closed = new AbortController();
  res.once('close', () => closed.abort());
  return closed.signal;
};

/** src/contracts/origin.ts, but what players ask and the bytes of GOPs. */
export const originOf = (plane: SimulatedPlane): Router => {
  const router = partOf(plane);
  router.get('/audience', (_req, res) => {
    res.json({ atMs: Date.now(), viewers: [] });
  });
  router.get('/channels', (_req, res) => {
    res.json(plane.channels().map((channel) => channel.atOrigin(Date.now())));
  });
  router.get('/channels/:id', (req, res) => {
    res.json(plane.channel(req.params.id).atOrigin(Date.now()));
  });
  router.put('/channels/:id', (req, res) => {
    const spec = parseOrRefuse(originSpecSchema, req.body, 'body');
    res.json(plane.register({ id: req.params.id, ...spec }).atOrigin(Date.now()));
  });
  router.post('/channels/:id/own', (req, res) => {
    const request = parseOrRefuse(ownRequestSchema, req.body, 'body');
    res.json(plane.channel(req.params.id).own(request, Date.now()));
  });
  router.post('/channels/:id/gaps', (req, res) => {
    const channel = plane.channel(req.params.id);
    channel.declareGap(parseOrRefuse(declaredGapSchema, req.body, 'body'), Date.now());
    res.json(channel.atOrigin(Date.now()));
  });
  router.get('/channels/:id/wait', async (req, res) => {
    const { gop, timeout_ms } = parseOrRefuse(waitQuery, req.query, 'query');
    const channel = plane.channel(req.params.id);
    const untilMs = Date.now() + timeout_ms;
    while (channel.nextGopAt(Date.now()) <= gop) {
      const leftMs = untilMs - Date.now();
      if (leftMs <= 0) throw new SwarmError('timeout', `GOP ${gop} is not published.`, 'Ask again.');
      const dueMs = (channel.dueAtMs(gop) ?? untilMs) - Date.now();
      await sleep(Math.max(1, Math.min(leftMs, dueMs)), undefined, { signal: signalOf(res) });
    }
    res.json(channel.ledger(gop, gop + 1, Date.now())[0]);
  });
  router.get('/channels/:id/ledger', (req, res) => {
    const channel = plane.channel(req.params.id);
    const { from, to } =
      req.query.from === undefined ? { from: 0, to: 1e9 } : parseOrRefuse(between, req.query, 'query');
    res.json(channel.ledger(from, to, Date.now()));
  });
  return router;
};

/** src/contracts/relay.ts, but contributions, feeds and ledgers. */
export const relayOf = (plane: SimulatedPlane): Router => {
  const router = partOf(plane);
  router.get('/channels', (_req, res) => {
    res.json(plane.channels().map((channel) => channel.atRelay(Date.now())));
  });
  router.get('/channels/:id', (req, res) => {
    res.json(plane.channel(req.params.id).atRelay(Date.now()));
  });
  router.put('/channels/:id', (req, res) => {
    const { gopDurationTicks } = parseOrRefuse(relaySpecSchema, req.body, 'body');
    const spec = { id: req.params.id, gopDurationTicks, framesPerSecond: 25 };
    res.json(plane.register(spec).atRelay(Date.now()));
  });
  return router;
};

/** src/contracts/source.ts, but looks at inputs. */
export const sourceOf = (plane: SimulatedPlane): Router => {
  const router = partOf(plane);
  const asSource = (id: string): SourceChannel => ({
    id,
    input: { kind: 'generated' },
    state: 'running',
    framesSent: plane.channel(id).atRelay(Date.now()).framesIn,
    startedAtMs: plane.startedAtMs,
  });
  router.get('/channels', (_req, res) => {
    res.json(plane.channels().map(({ spec }) => asSource(spec.id)));
  });
  router.put('/channels/:id', (req, res) => {
    const { gopDurationTicks, framesPerSecond } = parseOrRefuse(sourceSpecSchema, req.body, 'body');
    plane.register({ id: req.params.id, gopDurationTicks, framesPerSecond });
    res.json(asSource(req.params.id));
  });
  return router;
};

/** src/contracts/fleet.ts: a fleet that neither grows nor shrinks. */
export const fleetOf = (encoders: () => readonly FleetEncoder[]): Router => {
  const router = Router();
  const fixed = (): never => {
    throw new SwarmError('at-capacity-limit', 'The simulated fleet has a fixed size.');
  };
  router.get('/healthz', (_req, res) => {
    res.json({ status: 'ok', encoders: encoders().length });
  });
  router.get('/encoders', (_req, res) => {
    res.json(encoders());
  });
  router.post('/encoders', fixed);
  router.put('/encoders/:id/build', fixed);
  router.delete('/encoders/:id', fixed);
  return router;
};
