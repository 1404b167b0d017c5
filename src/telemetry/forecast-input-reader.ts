import type { ChannelSpec, KnownEvent } from '../domain';
import {
  errorCorrelation,
  learnSessionCost,
  NOMINAL_COST,
  seriesKey,
  type CellForecastInput,
  type SessionCost,
} from '../forecast';
import { withinOrNull } from '../platform/deadline';
import type { StepSeries } from './forecast-inputs';
import type { TelemetryStore } from './store';

/** All inputs but the audience are ones that a forecast can do without: a late one is left out. */
const READ_DEADLINE_MS = 1_500;
const COST_KEPT_MS = 60_000;
const COST_HISTORY_MS = 6 * 3_600_000;
/** Errors some steps ahead say how channels go wrong together; the first step's are mostly noise. */
const CORRELATION_LEAD = 4;
const CORRELATION_STEPS = 200;
/** An older lesson was of another audience. */
const FEEDBACK_MAX_AGE_STEPS = 168;
/** No event that matters lasts longer; an event is found by its begin. */
const LONGEST_EVENT_MS = 7 * 86_400_000;

type Gathered = Pick<
  CellForecastInput,
  | 'viewersHistory'
  | 'regionViewersHistory'
  | 'regionLoadHistory'
  | 'trendHistory'
  | 'events'
  | 'feedback'
  | 'cost'
  | 'errorCorrelation'
>;

/** Reads from the telemetry store what a cell's forecast is made from. */
export class ForecastInputReader {
  private cost: { value: SessionCost; atMs: number } = { value: NOMINAL_COST, atMs: 0 };

  constructor(
    private readonly cell: string,
    private readonly store: Pick<TelemetryStore, 'inputs' | 'feedback'>,
  ) {}

  /** @throws SwarmError unavailable, timeout: the audience can't be read */
  async read(options: {
    channels: readonly ChannelSpec[];
    stepSeconds: number;
    steps: number;
    horizonSteps: number;
    endMs: number;
  }): Promise<Gathered> {
    const { cell } = this;
    const { inputs, feedback } = this.store;
    const { stepSeconds, steps, endMs } = options;
    const stepMs = stepSeconds * 1000;
    const window = { cell, stepSeconds, steps, endMs };
    const fromMs = endMs - steps * stepMs;
    const [audience, regionLoad, trend, events, latest, errors] = await Promise.all([
      inputs.audience(window),
      this.orNull(inputs.regionLoad(window)),
      this.orNull(inputs.trend(window)),
      this.orNull(
        inputs.events({
          cell,
          fromMs: fromMs - LONGEST_EVENT_MS,
          toMs: endMs + options.horizonSteps * stepMs,
        }),
      ),
      this.orNull(feedback.latest({ cell, sinceMs: endMs - FEEDBACK_MAX_AGE_STEPS * stepMs })),
      this.orNull(
        feedback.errors({ cell, lead: CORRELATION_LEAD, sinceMs: endMs - CORRELATION_STEPS * stepMs }),
      ),
      this.refreshCost(endMs),
    ]);
    const correlation = errors ? correlationOf(errors, options.channels) : null;
    return {
      viewersHistory: audience.byChannel,
      regionViewersHistory: audience.byRegion,
      ...(regionLoad && { regionLoadHistory: regionLoad }),
      ...(trend && { trendHistory: trend satisfies StepSeries }),
      ...(events && { events: events satisfies KnownEvent[] }),
      ...(latest && { feedback: byLead(latest) }),
      cost: this.cost.value,
      ...(correlation !== null && { errorCorrelation: correlation }),
    };
  }

  private orNull<T>(answer: Promise<T>): Promise<T | null> {
    return withinOrNull(READ_DEADLINE_MS, answer);
  }

  /** Costs change over hours: they are learned again once a minute. */
  private async refreshCost(nowMs: number): Promise<void> {
    const ageMs = nowMs - this.cost.atMs;
    if (ageMs >= 0 && ageMs < COST_KEPT_MS) return;
    const minutes = await this.orNull(
      this.store.inputs.encodingMinutes({ cell: this.cell, sinceMs: nowMs - COST_HISTORY_MS }),
    );
    if (minutes) this.cost = { value: learnSessionCost(minutes), atMs: nowMs };
  }
}

const byLead = (
  latest: Awaited<ReturnType<TelemetryStore['feedback']['latest']>>,
): NonNullable<CellForecastInput['feedback']> => {
  const feedback = new Map<string, Map<number, (typeof latest)[number]>>();
  for (const one of latest) {
    const key = seriesKey(one.kind, one.id);
    const leads = feedback.get(key) ?? new Map<number, (typeof latest)[number]>();
    feedback.set(key, leads.set(one.lead, one));
  }
  return feedback;
};

/** Over the steps that were scored for every channel; null where nothing was scored yet. */
const correlationOf = (
  errors: Record<string, Map<number, number>>,
  channels: readonly ChannelSpec[],
): number | null => {
  const series = channels.flatMap(({ id }) => errors[id] ?? []);
  const [first] = series;
  if (!first) return null;
  const common = [...first.keys()].filter((target) => series.every((one) => one.has(target)));
  return errorCorrelation(series.map((one) => common.map((target) => one.get(target) ?? 0)));
};
