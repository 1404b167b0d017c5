import { HISTORY_KEPT_MS, type HistoryImport } from '../contracts/api';
import { SwarmError } from '../domain';
import type { AudienceRow } from '../telemetry';

/** Farther off than this, in milliseconds, there is no date. */
const LAST_DATE_MS = 8.64e15;
const timeInWords = (atMs: number): string =>
  atMs > LAST_DATE_MS ? `${atMs} ms` : new Date(atMs).toISOString();

/**
 * The rows of an import as audience. A row without a region gets its channel's.
 * @throws SwarmError conflict that names the first row which the store would not keep
 */
export const audienceRowsOf = (
  { rows }: HistoryImport,
  regionOf: ReadonlyMap<string, string>,
  nowMs: number,
): AudienceRow[] =>
  rows.map(({ atMs, channelId, viewers, region }, index) => {
    const fault =
      atMs > nowMs
        ? 'lies in the future'
        : atMs < nowMs - HISTORY_KEPT_MS
          ? 'is older than the 30 days that are kept'
          : null;
    if (fault) {
      throw new SwarmError(
        'conflict',
        `Row ${index} (${timeInWords(atMs)}) ${fault}.`,
        'Leave it out, or move the rows in time.',
        { row: index },
      );
    }
    return { atMs, channelId, viewers, region: region ?? regionOf.get(channelId) ?? '' };
  });
