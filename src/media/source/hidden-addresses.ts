import { randomBytes } from 'node:crypto';
import express from 'express';
import { SwarmError, redacted } from '../../domain';
import { LOOPBACK } from '../../platform/addresses';
import { listen, type RunningServer } from '../../platform/http';
import type { Logger } from '../../platform/logger';
import type { Route } from '../../platform/route';

/** A ticket that was not used by then belongs to a program that did not start. */
const TICKET_LIFE_MS = 30_000;
const TICKET_BYTES = 16;
/** Its end is that of the address itself: ffmpeg goes by it where it looks for playlists. */
const PATH = '/:ticket/:name';
const hiddenRoutes: readonly Route[] = [{ method: 'GET', path: PATH, access: 'public' }];

/**
 * Keeps passwords and keys of inputs out of the list of processes, which every account of a machine can read: ffmpeg is
 * given an address of this process, which leads it once to the real one. That works for schemes that know of redirects:
 * http and https.
 */
export class HiddenAddresses {
  private readonly byTicket = new Map<string, { url: string; timer: NodeJS.Timeout }>();
  private server: RunningServer | undefined;

  static async start(log: Logger): Promise<HiddenAddresses> {
    const addresses = new HiddenAddresses();
    const app = express().disable('x-powered-by').disable('etag');
    app.get(PATH, (req, res) => {
      const url = addresses.take(req.params.ticket);
      if (url === undefined) throw new SwarmError('not-found', 'This address has led to its input already.');
      res.set('cache-control', 'no-store').redirect(302, url);
    });
    addresses.server = await listen(app, {
      ...{ host: LOOPBACK, port: 0, routes: hiddenRoutes, log },
      // ffmpeg asks, which has no certificate, from this machine.
      callers: 'plain',
    });
    return addresses;
  }

  /** Arguments of ffmpeg or ffprobe, in which no input shows a secret that can be hidden. */
  hide(args: readonly string[]): string[] {
    return args.map((arg, i) => (args[i - 1] === '-i' && isHidable(arg) ? this.ticketFor(arg) : arg));
  }

  async stop(): Promise<void> {
    for (const { timer } of this.byTicket.values()) clearTimeout(timer);
    this.byTicket.clear();
    await this.server?.close();
  }

  private ticketFor(url: string): string {
    const ticket = randomBytes(TICKET_BYTES).toString('base64url');
    const timer = setTimeout(() => this.byTicket.delete(ticket), TICKET_LIFE_MS).unref();
    this.byTicket.set(ticket, { url, timer });
    const name = new URL(url).pathname.split('/').at(-1) || 'input';
    return `http://${LOOPBACK}:${this.server!.port}/${ticket}/${name}`;
  }

  private take(ticket: string): string | undefined {
    const found = this.byTicket.get(ticket);
    if (found) clearTimeout(found.timer);
    this.byTicket.delete(ticket);
    return found?.url;
  }
}

const isHidable = (url: string): boolean =>
  /^https?:/i.test(url) && URL.canParse(url) && redacted(url) !== url;

let inUse: HiddenAddresses | undefined;

/** From now on, or no longer, programs are given hidden addresses. */
export const useHiddenAddresses = (addresses: HiddenAddresses | undefined): void => {
  inUse = addresses;
};

/** Arguments as others may see them. */
export const withHiddenAddresses = (args: readonly string[]): readonly string[] => inUse?.hide(args) ?? args;
