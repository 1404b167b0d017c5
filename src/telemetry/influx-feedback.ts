import type { IssuedStep, LatestFeedback, ScoredKind, ScoredStep, SeriesAccuracy } from '../domain';
import type { ForecastFeedback } from './forecast-feedback';
import { FEEDBACK_RETENTION, type InfluxConnection, type QueryGroup } from './influx-connection';
import { numberOrNull, text, toInfluxPoint } from './influx-values';
import type { Point } from './store';

const BATCH_POINTS = 5_000;
const KINDS: readonly string[] = ['viewers', 'region_load'] satisfies ScoredKind[];
const ISSUED = `"${FEEDBACK_RETENTION.name}"."forecast_issued"`;
const ACCURACY = `"${FEEDBACK_RETENTION.name}"."forecast_accuracy"`;
const BY_SERIES = `GROUP BY "kind", "id", "lead"`;

interface SeriesLead {
  kind: ScoredKind;
  id: string;
  lead: number;
}

/** The series that a group of rows is about; null where it is none that this version scores. */
const seriesOf = ({ tags }: QueryGroup): SeriesLead | null => {
  const { kind = '', id = '', lead = '' } = tags;
  return KINDS.includes(kind) && id !== '' && Number(lead) >= 1
    ? { kind: kind as ScoredKind, id, lead: Number(lead) }
    : null;
};

/** ForecastFeedback over InfluxDB 1.x, in a retention policy of its own. */
export class InfluxFeedback implements ForecastFeedback {
  constructor(private readonly connection: InfluxConnection) {}

  async writeIssued(cell: string, steps: readonly IssuedStep[]): Promise<void> {
    await this.writeAll(
      steps.map(({ kind, id, lead, targetMs, p10, p50, p90 }) => ({
        measurement: 'forecast_issued',
        tags: { cell, kind, id, lead: String(lead) },
        fields: { p10, p50, p90 },
        atMs: targetMs,
      })),
    );
  }

  async issued(options: { cell: string; fromMs: number; toMs: number }): Promise<IssuedStep[]> {
    const groups = await this.connection.query(
      `SELECT "p10", "p50", "p90" FROM ${ISSUED} WHERE "cell" = ${text(options.cell)} ` +
        `AND time >= ${options.fromMs}ms AND time < ${options.toMs}ms ${BY_SERIES}`,
    );
    return groups
      .flatMap((group) => {
        const series = seriesOf(group);
        if (!series) return [];
        return group.rows.flatMap((row): IssuedStep[] => {
          const [p10, p50, p90] = [row.p10, row.p50, row.p90].map(numberOrNull);
          return typeof p10 === 'number' && typeof p50 === 'number' && typeof p90 === 'number'
            ? [{ ...series, targetMs: row.time, p10, p50, p90 }]
            : [];
        });
      })
      .sort((a, b) => a.targetMs - b.targetMs);
  }

  async writeScores(cell: string, scores: readonly ScoredStep[]): Promise<void> {
    await this.writeAll(
      scores.map((s) => ({
        measurement: 'forecast_accuracy',
        tags: { cell, kind: s.kind, id: s.id, lead: String(s.lead) },
        fields: {
          realised: s.realised,
          pinball: s.pinball,
          covered: s.covered,
          over90: s.over90,
          bias: s.bias,
          absolute_error: s.absoluteError,
          ...(s.naiveError !== null && { naive_error: s.naiveError }),
          standardised: s.standardised,
          width_low: s.widthLow,
          width_high: s.widthHigh,
          shift: s.shift,
          too_low: s.tooLow,
          too_high: s.tooHigh,
          alarm_steps: s.alarmSteps,
        },
        atMs: s.targetMs,
      })),
    );
  }

  async latest(options: { cell: string; sinceMs: number }): Promise<LatestFeedback[]> {
    const groups = await this.connection.query(
      `SELECT "width_low", "width_high", "shift", "too_low", "too_high", "alarm_steps" FROM ${ACCURACY} ` +
        `WHERE "cell" = ${text(options.cell)} AND time >= ${Math.floor(options.sinceMs)}ms ` +
        `${BY_SERIES} ORDER BY time DESC LIMIT 1`,
    );
    return groups.flatMap((group) => {
      const series = seriesOf(group);
      const [row] = group.rows;
      if (!series || !row) return [];
      return [
        {
          ...series,
          targetMs: row.time,
          widthLow: numberOrNull(row.width_low) ?? 1,
          widthHigh: numberOrNull(row.width_high) ?? 1,
          shift: numberOrNull(row.shift) ?? 0,
          tooLow: numberOrNull(row.too_low) ?? 0,
          tooHigh: numberOrNull(row.too_high) ?? 0,
          alarmSteps: numberOrNull(row.alarm_steps) ?? 0,
        },
      ];
    });
  }

  async accuracy(options: { cell: string; sinceMs: number }): Promise<SeriesAccuracy[]> {
    const means = ['pinball', 'covered', 'over90', 'bias', 'absolute_error', 'naive_error'];
    const last = ['width_low', 'width_high', 'shift', 'alarm_steps'];
    const where = `WHERE "cell" = ${text(options.cell)} AND time >= ${Math.floor(options.sinceMs)}ms`;
    const [groups, latest] = await Promise.all([
      this.connection.query(
        `SELECT ${means.map((f) => `mean("${f}") AS "${f}"`).join(', ')}, count("pinball") AS "count", ` +
          `${last.map((f) => `last("${f}") AS "${f}"`).join(', ')} FROM ${ACCURACY} ${where} ${BY_SERIES}`,
      ),
      this.latest(options),
    ]);
    const lastTarget = new Map(latest.map((l) => [`${l.kind} ${l.id} ${l.lead}`, l.targetMs]));
    return groups
      .flatMap((group): SeriesAccuracy[] => {
        const series = seriesOf(group);
        const [row] = group.rows;
        if (!series || !row) return [];
        const value = (field: string): number => numberOrNull(row[field]) ?? 0;
        const naive = value('naive_error');
        return [
          {
            ...series,
            count: value('count'),
            pinball: value('pinball'),
            mase: naive > 0 ? value('absolute_error') / naive : null,
            coverage: value('covered'),
            over90: value('over90'),
            bias: value('bias'),
            widthLow: value('width_low'),
            widthHigh: value('width_high'),
            shift: value('shift'),
            drifting: value('alarm_steps') > 0,
            lastTargetMs: lastTarget.get(`${series.kind} ${series.id} ${series.lead}`) ?? 0,
          },
        ];
      })
      .sort(
        (a, b) =>
          a.kind.localeCompare(b.kind) ||
          a.id.localeCompare(b.id, 'en', { numeric: true }) ||
          a.lead - b.lead,
      );
  }

  async errors(options: {
    cell: string;
    lead: number;
    sinceMs: number;
  }): Promise<Record<string, Map<number, number>>> {
    const groups = await this.connection.query(
      `SELECT "standardised" FROM ${ACCURACY} WHERE "cell" = ${text(options.cell)} AND "kind" = 'viewers' ` +
        `AND "lead" = ${text(String(options.lead))} AND time >= ${Math.floor(options.sinceMs)}ms GROUP BY "id"`,
    );
    return Object.fromEntries(
      groups.map(({ tags, rows }) => [
        tags.id ?? '',
        new Map(rows.map((row) => [row.time, numberOrNull(row.standardised) ?? 0])),
      ]),
    );
  }

  private async writeAll(points: readonly Point[]): Promise<void> {
    for (let begin = 0; begin < points.length; begin += BATCH_POINTS) {
      const batch = points.slice(begin, begin + BATCH_POINTS).map(toInfluxPoint);
      await this.connection.write(batch, { retentionPolicy: FEEDBACK_RETENTION.name });
    }
  }
}
