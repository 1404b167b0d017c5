/** One line of the origin's ledger, as GET /channels/:id/ledger answers. */
export interface LedgerEntry {
  gop: number;
  token: number;
  encoderId: string;
  sessionId: string;
  publishedAtMs: number;
  sealedAtMs: number;
  delayMs: number;
  gapReason?: string;
}

/**
 * Checks the fence in a channel's ledger: GOPs without a hole and each once, tokens never going down,
 * and one owner per token. Returns what is wrong, in words; empty when the fence held.
 */
export const auditFence = (channelId: string, entries: readonly LedgerEntry[]): string[] => {
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
