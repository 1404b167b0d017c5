import { randomBytes } from 'node:crypto';
import express from 'express';
import { SwarmError, redacted } from '../../domain';
import { LOOPBACK } from '../../platform/addresses';
import { listen, type RunningServer } from '../../platform/http';
import type { Logger } from '../../platform/logger';
import type { Route } from '../../platform/route';
import { RtspRedirect } from './rtsp-redirect';

/** A ticket that was not used by then belongs to a program that did not start. */
const TICKET_LIFE_MS = 30_000;
const TICKET_BYTES = 16;
/** Its end is that of the address itself: ffmpeg goes by it where it looks for playlists. */
const PATH = '/:ticket/:name';
const hiddenRoutes: readonly Route[] = [{ method: 'GET', path: PATH, access: 'public' }];

const schemeOf = (url: string): string => /^([a-z]+):/i.exec(url)?.[1]?.toLowerCase() ?? '';

/** How ffmpeg is led to an address that its arguments do not name. */
type Way = 'http-redirect' | 'rtsp-redirect' | 'list';
const ways: Record<string, Way> = {
  ...{ http: 'http-redirect', https: 'http-redirect' },
  ...{ rtsp: 'rtsp-redirect', rtsps: 'rtsp-redirect' },
  ...{ srt: 'list', rtmp: 'list', rtmps: 'list' },
};
/** What ffmpeg needs to read a list of one address. */
const LIST_PROTOCOLS = 'hls,http,tcp';
/** What comes by those ways, as bytes. No playlist is among them: its author could have the source ask what he names. */
const LIST_FORMATS = 'mpegts,flv,live_flv,mpeg,matroska,webm,nut,ogg,data';

/**
 * Keeps passwords and keys of inputs out of the list of processes, which every account of a machine can read: ffmpeg is
 * given an address of this process, which leads it once to the real one. Where the protocol knows redirects, by one: http,
 * https, rtsp, rtsps. Where it knows none, by a list of one address: ffmpeg's protocol `hls` reads any other protocol's
 * bytes through it, unchanged, as if they came directly.
 */
export class HiddenAddresses {
  private readonly byTicket = new Map<string, { url: string; timer: NodeJS.Timeout }>();
  private server: RunningServer | undefined;
  private rtsp: RtspRedirect | undefined;

  static async start(log: Logger): Promise<HiddenAddresses> {
    const addresses = new HiddenAddresses();
    const app = express().disable('x-powered-by').disable('etag');
    app.get(PATH, (req, res) => {
      const url = addresses.take(req.params.ticket);
      if (url === undefined) throw new SwarmError('not-found', 'This address has led to its input already.');
      res.set('cache-control', 'no-store');
      if (ways[schemeOf(url)] === 'list') res.type('application/vnd.apple.mpegurl').send(listOf(url));
      else res.redirect(302, url);
    });
    addresses.server = await listen(app, {
      ...{ host: LOOPBACK, port: 0, routes: hiddenRoutes, log },
      // ffmpeg asks, which has no certificate, from this machine.
      callers: 'plain',
    });
    addresses.rtsp = await RtspRedirect.start((ticket) => addresses.take(ticket));
    return addresses;
  }

  /** Arguments of ffmpeg or ffprobe, in which no input shows a secret that can be hidden. */
  hide(args: readonly string[]): string[] {
    const hidden = [...args];
    for (let at = args.length - 1; at > 0; at -= 1) {
      const url = args[at]!;
      if (args[at - 1] !== '-i' || !isHidable(url)) continue;
      hidden[at] = this.ticketFor(url);
      if (ways[schemeOf(url)] !== 'list') continue;
      const allowed = hidden.lastIndexOf('-protocol_whitelist', at) + 1;
      if (allowed > 0) hidden[allowed] = `${LIST_PROTOCOLS},${hidden[allowed]}`;
      hidden.splice(at - 1, 0, '-format_whitelist', LIST_FORMATS);
    }
    return hidden;
  }

  async stop(): Promise<void> {
    for (const { timer } of this.byTicket.values()) clearTimeout(timer);
    this.byTicket.clear();
    await Promise.all([this.server?.close(), this.rtsp?.stop()]);
  }

  private ticketFor(url: string): string {
    const ticket = randomBytes(TICKET_BYTES).toString('base64url');
    const timer = setTimeout(() => this.byTicket.delete(ticket), TICKET_LIFE_MS).unref();
    this.byTicket.set(ticket, { url, timer });
    const way = ways[schemeOf(url)];
    if (way === 'rtsp-redirect') return `rtsp://${LOOPBACK}:${this.rtsp!.port}/${ticket}`;
    const here = `http://${LOOPBACK}:${this.server!.port}/${ticket}`;
    if (way === 'list') return `hls+${here}/input`;
    return `${here}/${new URL(url).pathname.split('/').at(-1) || 'input'}`;
  }

  private take(ticket: string): string | undefined {
    const found = this.byTicket.get(ticket);
    if (found) clearTimeout(found.timer);
    this.byTicket.delete(ticket);
    return found?.url;
  }
}

/** Of one segment, and no more to come: ffmpeg does not ask for it again. */
const listOf = (url: string): string =>
  ['#EXTM3U', '#EXT-X-TARGETDURATION:1', '#EXTINF:1,', url, '#EXT-X-ENDLIST', ''].join('\n');

const isHidable = (url: string): boolean =>
  ways[schemeOf(url)] !== undefined && URL.canParse(url) && !/\s/.test(url) && redacted(url) !== url;

let inUse: HiddenAddresses | undefined;

/** From now on, or no longer, programs are given hidden addresses. */
export const useHiddenAddresses = (addresses: HiddenAddresses | undefined): void => {
  inUse = addresses;
};

const HIDDEN = /(hls\+)?(http|rtsp):\/\/127\.0\.0\.1:\d+\/[\w-]{22}(\/[^\s:]*)?/g;

/** What a program said, with the address that it was given in place of the hidden one. @param url as it may be told */
export const inItsOwnWords = (text: string, url: string): string => text.replace(HIDDEN, url);

/** Arguments as others may see them. */
export const withHiddenAddresses = (args: readonly string[]): readonly string[] => inUse?.hide(args) ?? args;
