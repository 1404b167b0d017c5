import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { RequestHandler } from 'express';
import { leaderAway } from '../../../contracts/replica-refusals';
import { Deadline } from '../../../platform/deadline';
import { linkRequest } from '../../../platform/links/client';
import { partAuthorization } from '../../../platform/own-identity';
import { discardBody } from '../read-body';
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
/** Longer than a leader that works takes, with its wait for the relay's ledger. */
const ANSWER_TIMEOUT_MS = 4_000;
/** How long a caller who can't be helped may go on sending its body. */
const DISCARD_GRACE_MS = 5_000;

/**
 * Passes a change on to the origin that leads the channel, if that one answers. So the lead stays where it is as long as its
 * origin lives, whichever origins are asked; where it does not answer, this one takes the lead. One that stops answering in
 * the middle is given up as soon as it does not answer small questions either (PeerWatch): whoever asked is told to ask again, and this
 * origin takes the lead then. A leader that is slow keeps it.
 */
export const passOnToLeader =
  (group: ReplicaGroup): RequestHandler =>
  async (req, res, next) => {
    const channelId = String(req.params.id);
    const leader =
      req.headers[PASSED_ON_HEADER] === undefined ? await group.leaderElsewhere(channelId) : null;
    if (!leader) {
      next();
      return;
    }
    const headers = Object.fromEntries(
      HEADERS.flatMap((name) => (req.headers[name] ? [[name, req.headers[name]]] : [])),
    );
    let hasAnswered = false;
    const deadline = new Deadline(ANSWER_TIMEOUT_MS, group.awaySignal(leader));
    try {
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const passed = linkRequest(`${leader.client.url}${req.originalUrl}`, {
          method: req.method,
          headers: { ...headers, ...partAuthorization(), [PASSED_ON_HEADER]: group.name },
          signal: deadline.signal,
        });
        passed.once('response', resolve).on('error', reject);
        // An answer before the end of the body is a refusal. The body is never given up with the request passed on: whoever
        // sends it could not be answered any more.
        req.pipe(passed);
        req.once('close', () => {
          if (!req.complete) passed.destroy(new Error('who asked went away'));
        });
      });
      hasAnswered = true;
      res.status(answer.statusCode ?? 502);
      if (answer.headers['content-type']) res.set('content-type', answer.headers['content-type']);
      await pipeline(answer, res);
    } catch (error) {
      // A caller who went away says nothing about the leader.
      if (!hasAnswered && !res.destroyed) group.suspect(leader);
      if (res.headersSent) {
        res.destroy();
        return;
      }
      throw leaderAway(leader.name, (error as Error).message);
    } finally {
      deadline.end();
      discardBody(req, DISCARD_GRACE_MS);
    }
  };
