import { z } from 'zod';
import { SwarmError } from '../../domain';
import { callJson } from '../../platform/http';

const gopLedgerSchema = z.object({
  gop: z.int(),
  ptsTicks: z.array(z.int().min(0)).min(1).max(10_000),
  sealedAtMs: z.number(),
});
/** Which pictures a GOP must hold: their PTS in channel time, ascending. From the relay. */
export type GopLedger = z.infer<typeof gopLedgerSchema>;

export interface RelayLedger {
  /** @throws SwarmError ledger-unavailable when the relay can't say. */
  ledgerOf(channelId: string, gop: number): Promise<GopLedger>;
}

/** How long the relay may hold the answer until the GOP is sealed, and how long the origin waits in all. */
const WAIT_MS = 1_000;
const DEADLINE_MS = 2_000;

/** Asks the relay over HTTP; connections are kept open between GOPs by Node's fetch. */
export const relayLedgerAt = (relayUrl: string): RelayLedger => ({
  async ledgerOf(channelId, gop) {
    const url = `${relayUrl}/channels/${channelId}/ledger/${gop}?wait_ms=${WAIT_MS}`;
    let answer: unknown;
    try {
      answer = await callJson(url, { timeoutMs: DEADLINE_MS });
    } catch (error) {
      const { code, message } = error as SwarmError;
      throw unavailable(gop, message, code);
    }
    const parsed = gopLedgerSchema.safeParse(answer);
    if (!parsed.success || parsed.data.gop !== gop) {
      throw unavailable(
        gop,
        'The relay answered with something that is not the ledger of this GOP.',
        'internal',
      );
    }
    return parsed.data;
  },
});

const unavailable = (gop: number, why: string, cause: string): SwarmError =>
  new SwarmError(
    'ledger-unavailable',
    `GOP ${gop} can't be checked against the relay's ledger: ${why}`,
    cause === 'gop-left-ring'
      ? 'The GOP is too old to be checked: declare it a gap.'
      : 'Put the GOP again when the relay answers.',
    { cause },
  );
