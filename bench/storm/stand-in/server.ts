import { setTimeout as sleep } from 'node:timers/promises';
import express, { Router, json } from 'express';
import { z } from 'zod';
import { relayRoutes, type RelayChannel } from '../../../src/contracts/relay';
import { sourceRoutes, type SourceChannel } from '../../../src/contracts/source';
import { SwarmError } from '../../../src/domain';
import { ticksToMs } from '../../../src/domain/media-time';
import { listen } from '../../../src/platform/http';
import type { Logger } from '../../../src/platform/logger';
import { HEALTH_ROUTE, routesBelow, type Route } from '../../../src/platform/route';
import type { AcceptedPut, Commit, EncoderActivity, EncoderFacts } from './contract';
import { GopClock } from './gop-clock';
import { SimulatedEncoder } from './simulated-encoder';
import { TinyGops } from './tiny-gops';

const LEDGER_POLL_MS = 20;

const routes: Route[] = [
  HEALTH_ROUTE,
  ...routesBelow('/relay', relayRoutes),
  // Not every channel of a source can be asked for alone; here it can.
  ...routesBelow('/source', [...sourceRoutes, { method: 'GET', path: '/channels/:id', access: 'part' }]),
  { method: 'GET', path: '/facts', access: 'part' },
  { method: 'GET', path: '/activity', access: 'part' },
  { method: 'POST', path: '/sabotage', access: 'part' },
];

export const standInOptionsSchema = z.object({
  host: z.string(),
  port: z.int(),
  encoders: z.array(z.object({ id: z.string(), zone: z.string(), port: z.int() })),
  gopDurationTicks: z.int(),
  framesPerSecond: z.int(),
  ffmpegPath: z.string(),
  seed: z.int(),
});
export type StandInOptions = z.infer<typeof standInOptionsSchema>;

/**
 * One process for all that a storm only pretends: the contributions, a relay that tells their ledgers
 * (`/relay`), a source that takes channels (`/source`), and the encoder hosts, each on a gRPC port of its own.
 */
export const startMediaStandIn = async (
  options: StandInOptions,
  log: Logger,
): Promise<{ port: number; stop(): Promise<void> }> => {
  const gops = await TinyGops.make(options);
  const clock = new GopClock(Date.now(), ticksToMs(options.gopDurationTicks));
  const channels = new Set<string>();
  const accepted: AcceptedPut[] = [];
  const commits: Commit[] = [];
  let impersonates = false;
  const encoders = await Promise.all(
    options.encoders.map(({ id, zone, port }) =>
      SimulatedEncoder.start({
        ...{ id, zone, port, host: options.host, seed: options.seed, clock, gops, accepted, commits, log },
        impersonates: () => impersonates,
      }),
    ),
  );

  const known = (id: string): string => {
    if (channels.has(id)) return id;
    throw new SwarmError('unknown-channel', `The stand-in does not know ${id}.`);
  };
  const relayChannel = (id: string): RelayChannel => {
    const lastSealed = clock.lastSealed(id);
    return {
      id,
      gopDurationTicks: options.gopDurationTicks,
      oldestGop: 0,
      openGop: lastSealed + 1,
      lastSealedGop: lastSealed < 0 ? null : lastSealed,
      nextGop: lastSealed + 1,
      resumeSourceTicks: null,
      unsavedGops: 0,
      ingestConnected: true,
      lastIngestAtMs: lastSealed < 0 ? null : clock.sealedAtMs(id, lastSealed),
      framesIn: 0,
    };
  };
  const startedAtMs = Date.now();
  const sourceChannel = (id: string): SourceChannel => ({
    id,
    input: { kind: 'generated' },
    state: 'running',
    framesSent: 0,
    startedAtMs,
  });

  /** Routes that relay and source share: they differ in how they describe a channel. */
  const channelRoutes = (describe: (id: string) => object): Router => {
    const router = Router();
    router.put('/channels/:id', json(), (req, res) => {
      channels.add(req.params.id);
      res.json(describe(req.params.id));
    });
    router.delete('/channels/:id', (_req, res) => void res.status(204).end());
    router.get('/channels', (_req, res) => void res.json([...channels].map(describe)));
    router.get('/channels/:id', (req, res) => void res.json(describe(known(req.params.id))));
    return router;
  };
  const relay = channelRoutes(relayChannel);
  relay.get('/channels/:id/ledger/:gop', async (req, res) => {
    const id = known(req.params.id);
    const gop = Number(req.params.gop);
    const deadline = Date.now() + Number(req.query.wait_ms ?? 0);
    while (clock.lastSealed(id) < gop && Date.now() < deadline) await sleep(LEDGER_POLL_MS);
    if (clock.lastSealed(id) < gop) throw new SwarmError('timeout', `GOP ${gop} is not sealed yet.`);
    res.json({ ...gops.ledger(gop), sealedAtMs: clock.sealedAtMs(id, gop) });
  });

  const app = express();
  app.get('/healthz', (_req, res) => void res.json({ status: 'ok' }));
  app.use('/relay', relay);
  app.use('/source', channelRoutes(sourceChannel));
  app.get('/facts', (_req, res) => void res.json({ accepted, commits } satisfies EncoderFacts));
  app.get('/activity', (_req, res) => {
    const sessions = encoders.flatMap((e) =>
      e.sessions.map(({ sessionId, channelId, state }) => ({ encoderId: e.id, sessionId, channelId, state })),
    );
    const lastSealed = Object.fromEntries([...channels].map((id) => [id, clock.lastSealed(id)]));
    res.json({ sessions, lastSealed } satisfies EncoderActivity);
  });
  app.post('/sabotage', (_req, res) => {
    impersonates = true;
    res.status(204).end();
  });
  const server = await listen(app, { host: options.host, port: options.port, routes, log });
  return {
    port: server.port,
    async stop() {
      await Promise.all([server.close(), ...encoders.map((encoder) => encoder.stop())]);
    },
  };
};
