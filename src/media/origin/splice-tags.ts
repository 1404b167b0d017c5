import { TICKS_PER_SECOND } from '../../domain';
import type { Piece } from './gop-cuts';
import type { LedgerRecord, RecordedSplice } from './records';

/** Splices in HLS playlists: EXT-X-DATERANGE by RFC 8216, 4.3.2.7.1, and the older EXT-X-CUE tags where asked for. */

const isoOf = (ms: number): string => new Date(ms).toISOString();
const seconds = (ticks: number): string => (ticks / TICKS_PER_SECOND).toFixed(3);

const dateRange = (attributes: readonly string[]): string => `#EXT-X-DATERANGE:${attributes.join(',')}`;

const beginTag = ({ id, kind, startMs, plannedTicks, command }: RecordedSplice): string =>
  dateRange([
    `ID="${id}"`,
    `START-DATE="${isoOf(startMs)}"`,
    ...(plannedTicks === undefined ? [] : [`PLANNED-DURATION=${seconds(plannedTicks)}`]),
    `${kind === 'break' ? 'SCTE35-OUT' : 'SCTE35-CMD'}=0x${command.toUpperCase()}`,
  ]);

/** Another tag of the same range: what was listed before does not change (RFC 8216, 6.2.1). */
const endTag = ({ id, startMs, endMs, endCommand }: RecordedSplice): string =>
  dateRange([
    `ID="${id}"`,
    `START-DATE="${isoOf(startMs)}"`,
    `END-DATE="${isoOf(endMs!)}"`,
    // Of the two dates as they are written.
    `DURATION=${((Math.floor(endMs!) - Math.floor(startMs)) / 1000).toFixed(3)}`,
    ...(endCommand === undefined ? [] : [`SCTE35-IN=0x${endCommand.toUpperCase()}`]),
  ]);

interface Change {
  ticks: number;
  splice: RecordedSplice;
  isEnd: boolean;
}

/** At one time, one break ends before another begins. */
const rankOf = (a: Change, b: Change): number =>
  a.splice.id === b.splice.id ? Number(a.isEnd) - Number(b.isEnd) : Number(b.isEnd) - Number(a.isEnd);

/** What begins and ends in each record of a list; of what began before the list, it begins with the list. */
const changesIn = (records: readonly LedgerRecord[]): Map<number, Change[]> => {
  const begun = new Set<string>();
  const ended = new Set<string>();
  return new Map(
    records.map(({ gop, splices = [] }) => {
      const changes: Change[] = [];
      for (const splice of splices) {
        if (!begun.has(splice.id)) changes.push({ ticks: splice.atTicks, splice, isEnd: false });
        begun.add(splice.id);
        if (splice.endTicks === undefined || ended.has(splice.id)) continue;
        changes.push({ ticks: splice.endTicks, splice, isEnd: true });
        ended.add(splice.id);
      }
      return [gop, changes.sort((a, b) => a.ticks - b.ticks || rankOf(a, b))];
    }),
  );
};

/** The older tags, of the outermost break alone. */
class Cues {
  private readonly on = new Map<string, RecordedSplice>();

  /** @param isFirst the piece is the first of its playlist */
  linesAt(piece: Piece, changes: readonly Change[], isFirst: boolean): string[] {
    const wasOn = this.outermost;
    for (const { splice, isEnd } of changes) {
      if (splice.kind !== 'break') continue;
      if (isEnd) this.on.delete(splice.id);
      else this.on.set(splice.id, splice);
    }
    const now = this.outermost;
    const lines = wasOn && wasOn.id !== now?.id ? ['#EXT-X-CUE-IN'] : [];
    if (!now) return lines;
    const elapsed = Math.max(0, piece.startTicks - now.atTicks);
    const goesOn = wasOn?.id === now.id || (isFirst && elapsed > 0);
    const planned = now.plannedTicks === undefined ? undefined : seconds(now.plannedTicks);
    if (!goesOn) return [...lines, `#EXT-X-CUE-OUT${planned === undefined ? '' : `:DURATION=${planned}`}`];
    const of = planned === undefined ? '' : `,Duration=${planned}`;
    return [...lines, `#EXT-X-CUE-OUT-CONT:ElapsedTime=${seconds(elapsed)}${of}`];
  }

  private get outermost(): RecordedSplice | undefined {
    return [...this.on.values()][0];
  }
}

/**
 * The tags in front of each piece of a playlist.
 * @param withCues EXT-X-CUE-OUT, EXT-X-CUE-OUT-CONT and EXT-X-CUE-IN too
 */
export const spliceTags = (
  records: readonly LedgerRecord[],
  withCues: boolean,
): ((record: LedgerRecord, piece: Piece) => string[]) => {
  if (records.every(({ splices }) => splices === undefined)) return () => [];
  const changes = changesIn(records);
  const cues = new Cues();
  return (record, piece) => {
    const isFirst = record === records[0] && piece.index === 0;
    // What began before the GOP is told with its first piece. Of the GOP that has not ended, splices are not known yet.
    const own = (changes.get(record.gop) ?? []).filter(
      ({ ticks }) =>
        (piece.index === 0 || ticks >= piece.startTicks) &&
        (piece.index === piece.count - 1 || ticks < piece.startTicks + piece.durationTicks),
    );
    const tags = own.map(({ splice, isEnd }) => (isEnd ? endTag(splice) : beginTag(splice)));
    return withCues ? [...tags, ...cues.linesAt(piece, own, isFirst)] : tags;
  };
};
