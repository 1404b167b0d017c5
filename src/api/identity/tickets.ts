import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ROLES } from '../../domain';
import { digestOf } from '../../platform/gate';

export const TICKET_MS = 10 * 60_000;
const MOST_TICKETS = 1_000;

const roleSchema = z.enum(ROLES);

/** Who a ticket logs in, and by what he was known. No file has the ticket itself, or a token: only their digests. */
const ticketSchema = z.strictObject({
  caller: z.strictObject({ name: z.string(), role: roleSchema }),
  proof: z.union([
    z.strictObject({ digest: z.string() }),
    z.strictObject({ role: roleSchema, expiresAtMs: z.number() }),
  ]),
  expiresAtMs: z.number(),
});

export type TicketHolder = Pick<z.infer<typeof ticketSchema>, 'caller' | 'proof'>;

/**
 * Tickets that log a browser in, once: a file each, so that every API of one state folder takes what another one has given
 * out, and none takes what another one has taken.
 */
export class Tickets {
  constructor(
    private readonly folder: string,
    private readonly nowMs: () => number,
  ) {}

  /** @returns a new one. @throws errors of the file system as they are */
  make(holder: TicketHolder): string {
    const ticket = randomBytes(32).toString('base64url');
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    this.makeRoom();
    const text = JSON.stringify({ ...holder, expiresAtMs: this.nowMs() + TICKET_MS });
    writeFileSync(this.fileOf(ticket), text, { mode: 0o600, flag: 'wx' });
    return ticket;
  }

  /** Null for one that was never given out, has been used, or has expired. */
  use(ticket: string): TicketHolder | null {
    const file = this.fileOf(ticket);
    try {
      const { expiresAtMs, ...holder } = ticketSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
      // Of two that come at once, one finds it gone.
      unlinkSync(file);
      return expiresAtMs > this.nowMs() ? holder : null;
    } catch {
      return null;
    }
  }

  /** By its digest: the time taken tells nothing of a ticket. */
  private fileOf(ticket: string): string {
    return join(this.folder, digestOf(ticket).toString('hex'));
  }

  private makeRoom(): void {
    const names = readdirSync(this.folder);
    for (const name of names) {
      const file = join(this.folder, name);
      const madeAtMs = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
      if (names.length >= MOST_TICKETS || Date.now() - madeAtMs > TICKET_MS) rmSync(file, { force: true });
    }
  }
}
