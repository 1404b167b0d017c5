import type { ServerResponse } from 'node:http';
import { FEED_OFFSET_TICKS } from '../../domain';
import type { Logger } from '../../platform/logger';
import { writeCutMark, type CutMark } from '../mpegts';
import { Feed } from './feed';
import type { UnitRing } from './unit-ring';

/** A reader that goes on at another relay where nothing comes takes silence of this one for its end. */
const SIGN_OF_LIFE_MS = 500;

export interface ChannelFeedsOptions {
  channelId: string;
  ring: UnitRing;
  gopDurationTicks: number;
  /** What a feed is told of cuts from a GOP on. */
  cutMark: (gop: number) => CutMark;
  log: Logger;
}

/** All that read one channel. */
export class ChannelFeeds {
  private readonly feeds = new Set<Feed>();
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly options: ChannelFeedsOptions) {
    this.timer = setInterval(() => {
      for (const feed of this.feeds) feed.showLife(SIGN_OF_LIFE_MS);
    }, SIGN_OF_LIFE_MS).unref();
  }

  /** Serves a feed from a GOP on until the response closes. */
  open(gop: number, response: ServerResponse): void {
    const { ring, gopDurationTicks, cutMark } = this.options;
    response.writeHead(200, {
      'content-type': 'video/mp2t',
      'cache-control': 'no-store',
      'x-feed-gop': gop,
      'x-feed-offset-ticks': FEED_OFFSET_TICKS,
    });
    response.flushHeaders();
    const feed = new Feed(ring, response, gop, gopDurationTicks, () => {
      const mark = cutMark(gop);
      return mark.cutTicks.length > 0 ? writeCutMark(mark) : undefined;
    });
    this.feeds.add(feed);
    response.on('close', () => this.feeds.delete(feed));
    feed.pump();
  }

  /** Sends what has come. */
  pump(): void {
    const { channelId, log } = this.options;
    for (const feed of this.feeds) {
      if (feed.fellBehind) {
        log.warn({ channel: channelId }, 'a feed fell behind the ring and was cut off');
        feed.cut();
      } else feed.pump();
    }
  }

  /** Tells all of the cuts that are known, in GOPs from this one on. */
  tellCuts(nextGop: number): void {
    for (const feed of this.feeds)
      feed.tell(writeCutMark(this.options.cutMark(Math.max(feed.fromGop, nextGop))));
  }

  /** See Feed. */
  endBefore(sequence: number): void {
    for (const feed of this.feeds) feed.endBefore(sequence);
  }

  close(): void {
    clearInterval(this.timer);
    for (const feed of this.feeds) feed.end();
  }
}
