import { percentile } from '../../src/domain/statistics';
import { rounded } from '../lib/statistics';
import { drawTable } from '../lib/table';
import type { Checked } from './continuity';
import type { Kind } from './kinds';

/** What became of the channels in all deaths of one kind. */
export interface KindResult extends Omit<Checked, 'problems'> {
  kind: Kind;
  deaths: number;
  publishPauseMsP50: number | null;
  publishPauseMsP99: number | null;
  /** Null: there was no browser. */
  playerStalls: number | null;
}

export const pauseFigures = (
  pausesMs: readonly number[],
): { publishPauseMsP50: number | null; publishPauseMsP99: number | null } => ({
  publishPauseMsP50: rounded(percentile([...pausesMs], 50), 0),
  publishPauseMsP99: rounded(percentile([...pausesMs], 99), 0),
});

export type Total = Omit<KindResult, 'kind'>;

/** @param pausesMs of all deaths */
export const totalOf = (results: readonly KindResult[], pausesMs: readonly number[]): Total => {
  const sum = (of: (result: KindResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  return {
    deaths: sum((r) => r.deaths),
    framesChecked: sum((r) => r.framesChecked),
    framesLost: sum((r) => r.framesLost),
    framesRepeated: sum((r) => r.framesRepeated),
    framesInvalid: sum((r) => r.framesInvalid),
    gapsDeclared: sum((r) => r.gapsDeclared),
    doubleOwners: sum((r) => r.doubleOwners),
    ...pauseFigures(pausesMs),
    playerStalls: results.every((r) => r.playerStalls === null) ? null : sum((r) => r.playerStalls ?? 0),
  };
};

/** Every frame was there once, of one owner. A pause costs no frame. */
export const isUnbroken = (total: Total): boolean =>
  total.framesChecked > 0 &&
  total.framesLost + total.framesRepeated + total.framesInvalid === 0 &&
  total.gapsDeclared + total.doubleOwners === 0;

export const tableOf = (results: readonly KindResult[]): string =>
  drawTable(
    ['death', 'times', 'frames', 'lost', 'repeated', 'gaps', 'pause ms p50', 'p99', 'player stalls'],
    results.map((r) => [
      ...[r.kind, r.deaths, r.framesChecked, r.framesLost, r.framesRepeated, r.gapsDeclared],
      ...[r.publishPauseMsP50, r.publishPauseMsP99, r.playerStalls],
    ]),
  );
