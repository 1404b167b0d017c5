import { SwarmError } from '../domain';
import type { AudienceRow } from '../telemetry';
import type { HistoryImport } from './schemas';

/** The store forgets older points at once; a minute is left for the way there. */
export const HISTORY_KEPT_MS = 30 * 86_400_000 - 60_000;

/**
 * The rows of an import as audience. A row without a region gets its channel's.
 * @throws SwarmError bad-request that names the first row which the store would not keep
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
        'bad-request',
        `Row ${index} (${new Date(atMs).toISOString()}) ${fault}.`,
        'Leave it out, or move the rows in time.',
        { row: index },
      );
    }
    return { atMs, channelId, viewers, region: region ?? regionOf.get(channelId) ?? '' };
  });
