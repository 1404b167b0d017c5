import { OriginClient, masterPlaylistUrl, type LedgerEntry } from '../../src/contracts/origin';
import type { RunningSwarm } from '../../src/launch/swarm';
import { loadOrCreateStampKey } from '../../src/media/stamp';
import { verifierFfmpegPaths, verifyPlaylists } from '../../src/verify';
import { auditFence } from '../lib/fence-audit';

/** Longer than one kind of death takes, shorter than an origin retains segments. */
const WINDOW_SECONDS = 900;

export interface Checked {
  framesChecked: number;
  framesLost: number;
  framesRepeated: number;
  framesInvalid: number;
  gapsDeclared: number;
  /** GOPs that two owners published, or that origins tell differently. */
  doubleOwners: number;
  problems: string[];
}

const factsOf = ({ token, encoderId, sessionId, renditions }: LedgerEntry): string =>
  JSON.stringify([token, encoderId, sessionId, renditions.map(({ sha256 }) => sha256)]);

/** What origins tell differently of GOPs that both still have. */
const disagreements = (id: string, [first = [], ...others]: readonly LedgerEntry[][]): string[] => {
  const known = new Map(first.map((entry) => [entry.gop, factsOf(entry)]));
  return others.flatMap((ledger) =>
    ledger
      .filter((entry) => (known.get(entry.gop) ?? factsOf(entry)) !== factsOf(entry))
      .map(({ gop }) => `${id}: origins tell GOP ${gop} differently`),
  );
};

/** Checks the pictures of all channels from outside, and the ledgers of all origins, piece by piece: all GOPs, each once. */
export class Continuity {
  private readonly nextGop = new Map<string, number>();

  constructor(
    private readonly swarm: RunningSwarm,
    private readonly channelIds: readonly string[],
  ) {}

  /** Checks what came since the last check; the first one begins with what is retained. */
  async check(): Promise<Checked> {
    const { environment } = this.swarm;
    const urls = environment.SWARM_ORIGIN_PEERS.map(({ url }) => url);
    const faults: string[] = [];
    for (const id of this.channelIds) {
      const ledgers = await Promise.all(urls.map((url) => new OriginClient(url).wholeLedger(id)));
      faults.push(...auditFence(id, ledgers[0]!), ...disagreements(id, ledgers));
    }
    const report = await verifyPlaylists({
      playlists: this.channelIds.map((id) => masterPlaylistUrl(urls[0]!, id)),
      key: await loadOrCreateStampKey(environment.SWARM_STATE_DIR),
      ffmpegPaths: await verifierFfmpegPaths(environment),
      windowSeconds: WINDOW_SECONDS,
      fromGop: Object.fromEntries(this.nextGop),
    });
    for (const { channelId, lastGop } of report.playlists) this.nextGop.set(channelId, lastGop + 1);
    const { framesChecked, framesLost, framesRepeated, framesInvalid, gapsDeclared } = report;
    return {
      ...{ framesChecked, framesLost, framesRepeated, framesInvalid, gapsDeclared },
      doubleOwners: faults.length,
      problems: [...faults, ...report.playlists.flatMap(({ problems }) => problems)],
    };
  }
}
