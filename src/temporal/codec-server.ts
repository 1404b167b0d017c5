import type { Payload } from '@temporalio/common';
import express from 'express';
import { z } from 'zod';
import type { Environment } from '../config/config';
import { codecRoutes } from '../contracts/codec-server';
import { SwarmError } from '../domain';
import { LOOPBACK } from '../platform/addresses';
import { listen, parseOrRefuse, type RunningServer } from '../platform/http';
import type { Logger } from '../platform/logger';
import type { EncryptingCodec } from './payload-codec';

const base64 = z.base64().transform((text) => Buffer.from(text, 'base64'));
const bodySchema = z.object({
  payloads: z.array(
    z.object({ metadata: z.record(z.string(), base64).default({}), data: base64.default(Buffer.alloc(0)) }),
  ),
});

const toJson = ({ metadata, data }: Payload): object => ({
  metadata: Object.fromEntries(
    Object.entries(metadata ?? {}).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]),
  ),
  data: Buffer.from(data ?? []).toString('base64'),
});

/** Temporal's page under its own name, and under that of this machine. */
const originsOf = (uiUrl: string): Set<string> => {
  const ui = new URL(uiUrl);
  const named = (name: string): string => `${ui.protocol}//${name}${ui.port && `:${ui.port}`}`;
  return new Set([ui.origin, ...(ui.hostname === LOOPBACK ? [named('localhost')] : [])]);
};

/**
 * Decrypts payloads for Temporal's page, so that a decision can be read there. It listens on this machine alone, and
 * answers pages of that one origin.
 * @param options.port 0 picks a free one
 * @throws SwarmError unavailable when the port is taken
 */
export const startCodecServer = (
  codec: EncryptingCodec,
  options: { port: number; environment: Pick<Environment, 'TEMPORAL_UI_URL'>; log: Logger },
): Promise<RunningServer> => {
  const origins = originsOf(options.environment.TEMPORAL_UI_URL);
  const app = express().disable('x-powered-by').disable('etag');
  app.get('/healthz', (_req, res) => {
    res.json({ status: 'ok' });
  });
  app.use((req, res, next) => {
    const { origin } = req.headers;
    if (origin === undefined || !origins.has(origin)) {
      throw new SwarmError(
        'cross-origin',
        `Payloads are decrypted for Temporal's page at ${[...origins].join(' or ')} alone.`,
        'Set TEMPORAL_UI_URL to where the page is opened.',
      );
    }
    res.set({ 'access-control-allow-origin': origin, vary: 'origin' });
    if (req.method !== 'OPTIONS') {
      next();
      return;
    }
    res.set({
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'content-type, x-namespace, authorization',
    });
    res.set('access-control-max-age', '3600').status(204).end();
  });
  app.post('/decode', express.json({ limit: '8mb' }), async (req, res) => {
    const { payloads } = parseOrRefuse(bodySchema, req.body, 'payloads');
    const decoded = await codec.decode(payloads);
    res.json({ payloads: decoded.map(toJson) });
  });
  const { port, log } = options;
  return listen(app, { host: LOOPBACK, port, routes: codecRoutes, callers: 'plain', log });
};
