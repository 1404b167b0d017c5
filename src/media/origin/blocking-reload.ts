import type { Request, Response } from 'express';
import { z } from 'zod';
import { SwarmError } from '../../domain';
import { Deadline } from '../../platform/deadline';
import { Turns } from '../../platform/turns';
import { reloadState } from './low-latency-tags';
import type { PlayedChannel } from './played-channel';
import { wholeNumberSchema } from './records';

/** What players of low-latency HLS ask for before it is there (draft-pantos-hls-rfc8216bis, 6.2.5.2 and 6.2.6). */

const number = wholeNumberSchema.pipe(z.int().max(1e12));

/** Delivery directives. A value of _HLS_skip that is not known is none (6.2.5.1 names YES and v2). */
export const directives = {
  _HLS_msn: number.optional(),
  _HLS_part: number.optional(),
  _HLS_skip: z.enum(['YES', 'v2']).optional(),
};
export type Directives = z.infer<z.ZodObject<typeof directives>>;

/** An answer is held back for so many target durations; then the caller is told to come again (6.2.5.2). */
const LONGEST_WAIT_TARGETS = 3;

const tooMany = (): SwarmError =>
  new SwarmError('unavailable', 'Too many players wait at the same time.', 'Ask again in a moment.');
const tooLong = (): SwarmError =>
  new SwarmError('unavailable', 'What was asked for did not come in time.', 'Ask again.');

/**
 * Players that wait for what comes next. There are so many places, and whoever holds the most gives way first (Turns): a
 * stranger's waits cost himself a place, and nobody else. What an owner publishes needs none.
 */
export class PlayerWaits {
  private readonly places: Turns;

  constructor(mostWaits: number) {
    this.places = new Turns(mostWaits);
  }

  /**
   * Waits until a playlist has what is asked for; at once where nothing is, or the channel publishes whole GOPs alone.
   * @throws SwarmError bad-request for what is too far ahead; unavailable when it takes too long
   */
  async untilListed(
    req: Request,
    res: Response,
    channel: PlayedChannel,
    { _HLS_msn: sequence, _HLS_part: part }: Directives,
  ): Promise<void> {
    if (sequence === undefined && part !== undefined)
      throw new SwarmError('bad-request', '_HLS_part needs _HLS_msn.', 'Name the segment too.');
    if (sequence === undefined || !channel.edge()) return;
    await this.until(req, res, channel, () => {
      const found = channel.edge();
      if (!found) return true;
      const state = reloadState(found.edge, { sequence, part }, found.partialTicks);
      if (state === 'too-far')
        throw new SwarmError('bad-request', `Segment ${sequence} is far ahead.`, 'Ask for what comes next.');
      return state === 'ready';
    });
  }

  /** Waits until a partial segment is public, while it can still come. @throws SwarmError unavailable */
  untilPublic(
    req: Request,
    res: Response,
    channel: PlayedChannel,
    name: { gop: number; index: number; token: number },
  ): Promise<void> {
    return this.until(req, res, channel, () => !channel.mayCome(name));
  }

  private async until(
    req: Request,
    res: Response,
    channel: PlayedChannel,
    isThere: () => boolean,
  ): Promise<void> {
    if (isThere()) return;
    const turn = this.places.take({ client: req.ip ?? '', channel: channel.id });
    if (!turn) throw tooMany();
    const caller = new AbortController();
    const leave = (): void => caller.abort();
    res.once('close', leave);
    const limitMs = LONGEST_WAIT_TARGETS * channel.targetSeconds * 1000;
    const patience = new Deadline(limitMs, caller.signal, turn.signal);
    try {
      while (!isThere()) {
        if (patience.signal.aborted) throw patience.hasPassed ? tooLong() : tooMany();
        await channel.nextChange(patience.signal);
      }
    } finally {
      patience.end();
      turn.leave();
      res.off('close', leave);
    }
  }
}
