import type { IncomingMessage, ServerResponse } from 'node:http';
import { SwarmError } from '../../domain';
import { hostAndPort } from '../../platform/addresses';
import { listen } from '../../platform/http';
import { linkScheme } from '../../platform/links/link-tls';
import { createLogger } from '../../platform/logger';
import type { Route } from '../../platform/route';
import type { EncodedGop } from '../encoder/types';
import { PROBE_FIRST_GOP } from './probe-cases';
import type { ReferenceClip } from './reference-clip';

const FEED_PATH = '/feed';
export const clipRoutes: readonly Route[] = [
  { method: 'GET', path: FEED_PATH, access: 'part' },
  { method: 'PUT', path: '/channels/:id/gops/:gop', access: 'part', body: 'media' },
];
const MAX_GOP_BYTES = 16 * 1024 * 1024;

/** A relay and an origin for one reference clip: gives it as a feed, and takes what is published. */
export interface ClipServer {
  feedUrl: string;
  originUrl: string;
  close(): Promise<void>;
}

const parseGop = (req: IncomingMessage, body: Buffer): EncodedGop | null => {
  const gop = /\/gops\/(\d+)$/.exec(req.url ?? '')?.[1];
  if (gop === undefined) return null;
  let at = 0;
  const segments = String(req.headers['x-renditions'])
    .split(',')
    .map((part) => {
      const [name = '', bytes = ''] = part.split('=');
      const segment = body.subarray(at, at + Number(bytes));
      at += Number(bytes);
      return { name, segment };
    });
  return at === body.length ? { gop: Number(gop), segments } : null;
};

const readBody = async (req: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_GOP_BYTES) throw new Error('more bytes than a GOP has');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

/**
 * Serves a clip until closed. The feed falls silent behind its last frame, as a live one whose source pauses.
 * @param options.host address to listen on, and under which encoders reach it
 * @param options.onGop each GOP that is published
 */
export const serveClip = async (options: {
  clip: ReferenceClip;
  listenOn: string;
  reachableAs: string;
  onGop?: (gop: EncodedGop) => void;
}): Promise<ClipServer> => {
  const answerFeed = (req: IncomingMessage, res: ServerResponse): void => {
    const fromGop = Number(new URL(req.url ?? '', 'http://clip').searchParams.get('from_gop'));
    if (fromGop !== PROBE_FIRST_GOP) {
      const gone = new SwarmError('gop-left-ring', `The clip has GOP ${PROBE_FIRST_GOP}, not ${fromGop}.`);
      res.writeHead(410, { 'content-type': 'application/json' }).end(JSON.stringify(gone.toBody()));
      return;
    }
    res.writeHead(200, { 'content-type': 'video/mp2t', 'x-feed-gop': String(fromGop) });
    res.write(options.clip.feed);
  };
  const answerPut = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const published = parseGop(req, await readBody(req));
    if (!published) {
      const refusal = new SwarmError('bad-request', 'This is not a GOP with its renditions.');
      res.writeHead(400, { 'content-type': 'application/json' }).end(JSON.stringify(refusal.toBody()));
      return;
    }
    options.onGop?.(published);
    res.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify({ gop: published.gop }));
  };
  const answer = (req: IncomingMessage, res: ServerResponse): void => {
    if (req.method === 'PUT') answerPut(req, res).catch(() => res.destroy());
    else answerFeed(req, res);
  };
  const server = await listen(answer, {
    ...{ host: options.listenOn, port: 0, routes: clipRoutes, names: [options.reachableAs] },
    log: createLogger('probe'),
  });
  const originUrl = `${linkScheme()}://${hostAndPort(options.reachableAs, server.port)}`;
  return {
    feedUrl: `${originUrl}${FEED_PATH}`,
    originUrl,
    close: () => server.close(),
  };
};
