import { RelayClient, type GopLedger, type GopPictures } from '../../contracts/relay';
import { SwarmError } from '../../domain';

export interface RelayLedger {
  /**
   * @param ownerProofSha256 of the owner's feed, told to the relay on this occasion
   * @throws SwarmError ledger-unavailable when the relay can't say
   */
  ledgerOf(channelId: string, gop: number, ownerProofSha256?: string): Promise<GopLedger>;
  /** What has arrived of a GOP that may not have ended. @throws SwarmError ledger-unavailable */
  picturesOf(channelId: string, gop: number): Promise<GopPictures>;
}

/** How long the relay may hold the answer until the GOP is sealed, and how long the origin waits in all. */
const WAIT_MS = 1_000;
const DEADLINE_MS = 2_000;

/** Asks the relay over HTTP; connections are kept open between GOPs by Node's fetch. */
export const relayLedgerAt = (relayUrl: string | readonly string[]): RelayLedger => {
  const relay = new RelayClient(relayUrl);
  return {
    async ledgerOf(channelId, gop, ownerProofSha256) {
      let ledger: GopLedger;
      try {
        ledger = await relay.sealed(channelId, gop, {
          ...{ waitMs: WAIT_MS, timeoutMs: DEADLINE_MS },
          ...(ownerProofSha256 !== undefined && { ownerProofSha256 }),
        });
      } catch (error) {
        const { code, message } = error as SwarmError;
        throw unavailable(gop, message, code);
      }
      if (ledger.gop !== gop) throw unavailable(gop, `The relay answered for GOP ${ledger.gop}.`, 'internal');
      return ledger;
    },
    picturesOf: (channelId, gop) =>
      relay.pictures(channelId, gop, { timeoutMs: WAIT_MS }).catch((error: unknown) => {
        const { code, message } = error as SwarmError;
        throw unavailable(gop, message, code);
      }),
  };
};

const unavailable = (gop: number, why: string, cause: string): SwarmError =>
  new SwarmError(
    'ledger-unavailable',
    `GOP ${gop} can't be checked against the relay's ledger: ${why}`,
    cause === 'gop-left-ring'
      ? 'The GOP is too old to be checked: declare it a gap.'
      : 'Put the GOP again when the relay answers.',
    { cause },
  );
