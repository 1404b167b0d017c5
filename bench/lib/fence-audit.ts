import type { LedgerEntry } from '../../src/contracts/origin';

/** What the audit reads of a line of the origin's ledger. */
export type AuditedEntry = Pick<LedgerEntry, 'gop' | 'token' | 'encoderId' | 'sessionId' | 'gapReason'>;

/**
 * Checks the fence in a channel's ledger: GOPs without a hole and each once, tokens never going down,
 * and one owner per token. Returns what is wrong, in words; empty when the fence held.
 */
export const auditFence = (channelId: string, entries: readonly AuditedEntry[]): string[] => {
  const faults: string[] = [];
  const ownerOfToken = new Map<number, string>();
  entries.forEach((entry, i) => {
    const before = entries[i - 1];
    if (before && entry.gop !== before.gop + 1)
      faults.push(`${channelId}: GOP ${entry.gop} follows GOP ${before.gop}`);
    if (before && entry.token < before.token)
      faults.push(`${channelId}: GOP ${entry.gop} has token ${entry.token} after token ${before.token}`);
    if (entry.gapReason !== undefined) return;
    const owner = `${entry.encoderId}/${entry.sessionId}`;
    const known = ownerOfToken.get(entry.token) ?? owner;
    if (known !== owner) faults.push(`${channelId}: token ${entry.token} was used by ${known} and ${owner}`);
    ownerOfToken.set(entry.token, known);
  });
  return faults;
};
