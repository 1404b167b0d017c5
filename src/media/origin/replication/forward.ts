import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { RequestHandler } from 'express';
import { SwarmError } from '../../../domain';
import { linkRequest } from '../../../platform/links/client';
import { partAuthorization } from '../../../platform/own-identity';
import type { ReplicaGroup } from './group';

/** Set by the origin that passed a request on: whoever gets it answers it himself. */
const PASSED_ON_HEADER = 'x-passed-on-by';
const HEADERS = [
  'content-type',
  'content-length',
  'x-fencing-token',
  'x-renditions',
  'x-encoder-id',
  'x-session-id',
  'x-session-secret',
] as const;
const ANSWER_TIMEOUT_MS = 4_000;

/**
 * Passes a change on to the origin that leads the channel, if that one answers. So the lead stays where it is as long as its
 * origin lives, whichever origins are asked; where it does not answer, this one takes the lead.
 */
export const passOnToLeader =
  (group: ReplicaGroup): RequestHandler =>
  async (req, res, next) => {
    const leader =
      req.headers[PASSED_ON_HEADER] === undefined ? await group.leaderElsewhere(String(req.params.id)) : null;
    if (!leader) {
      next();
      return;
    }
    const headers = Object.fromEntries(
      HEADERS.flatMap((name) => (req.headers[name] ? [[name, req.headers[name]]] : [])),
    );
    let hasAnswered = false;
    try {
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const passed = linkRequest(`${leader.client.url}${req.originalUrl}`, {
          method: req.method,
          headers: { ...headers, ...partAuthorization(), [PASSED_ON_HEADER]: group.name },
          signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
        });
        passed.once('response', resolve).once('error', reject);
        // An answer before the end of the body is a refusal.
        pipeline(req, passed).catch(reject);
      });
      hasAnswered = true;
      res.status(answer.statusCode ?? 502);
      if (answer.headers['content-type']) res.set('content-type', answer.headers['content-type']);
      await pipeline(answer, res);
    } catch (error) {
      // A caller who went away says nothing about the leader. `req` does not tell: it is given up with the request passed on.
      if (!hasAnswered && !res.destroyed) group.suspect(leader);
      if (res.headersSent) {
        res.destroy();
        return;
      }
      throw new SwarmError(
        'unavailable',
        `The origin ${leader.name}, which leads the channel, does not answer: ${(error as Error).message}.`,
        'Ask again, here or at another origin.',
      );
    }
  };
