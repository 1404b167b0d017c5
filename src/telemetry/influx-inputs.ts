import { knownEventSchema, SwarmError, type KnownEvent } from '../domain';
import {
  MAX_EVENTS,
  type AudienceRow,
  type EncodingMinute,
  type ForecastInputs,
  type StepSeries,
  type StepWindow,
} from './forecast-inputs';
import { firstTargetMs } from './forecast-points';
import type { InfluxConnection, QueryGroup } from './influx-connection';
import { numberOrNull, text, toInfluxPoint } from './influx-values';

/** Tag of CDN load that nobody measured. */
export const GENERATED = 'generated';

interface PlacedValue {
  step: number;
  value: number;
}

/** ForecastInputs over InfluxDB 1.x. */
export class InfluxInputs implements ForecastInputs {
  constructor(private readonly connection: InfluxConnection) {}

  async audience(o: StepWindow): Promise<{ byChannel: StepSeries; byRegion: StepSeries }> {
    const groups = await this.means('audience', 'viewers', ['channel', 'region'], o);
    const byChannel: StepSeries = {};
    const byRegion: StepSeries = {};
    for (const group of groups) {
      const { channel = '', region = '' } = group.tags;
      const values = placed(group, o);
      if (channel !== '') addTo(byChannel, channel, values, o.steps);
      if (region !== '') addTo(byRegion, region, values, o.steps);
    }
    return { byChannel, byRegion };
  }

  async regionLoad(o: StepWindow): Promise<StepSeries> {
    const groups = await this.means('cdn', 'load_fraction', ['region', 'source'], o);
    const regions = new Set(groups.map(({ tags }) => tags.region ?? ''));
    const load: StepSeries = {};
    for (const region of regions) {
      const own = groups.filter(({ tags }) => (tags.region ?? '') === region);
      const measured = own.filter(({ tags }) => tags.source !== GENERATED);
      const [source] = measured.length > 0 ? measured : own;
      if (source && region !== '') addTo(load, region, placed(source, o), o.steps);
    }
    return load;
  }

  async trend(o: StepWindow): Promise<StepSeries> {
    const scores: StepSeries = {};
    for (const group of await this.means('trend', 'score', ['channel'], o)) {
      if (group.tags.channel) addTo(scores, group.tags.channel, placed(group, o), o.steps);
    }
    return scores;
  }

  async encodingMinutes(o: { cell: string; sinceMs: number }): Promise<EncodingMinute[]> {
    const columns = ['units', 'cpu_cores', 'bits_per_pixel'].map((f) => `mean("${f}") AS "${f}"`);
    const groups = await this.connection.query(
      `SELECT ${columns.join(', ')} FROM "encoding" WHERE "cell" = ${text(o.cell)} ` +
        `AND time >= ${Math.floor(o.sinceMs)}ms GROUP BY time(1m), "channel", "encoder" fill(none)`,
    );
    return groups.flatMap(({ tags, rows }) =>
      rows.map((row) => ({
        channelId: tags.channel ?? '',
        encoderId: tags.encoder ?? '',
        units: numberOrNull(row.units) ?? NaN,
        cpuCores: numberOrNull(row.cpu_cores) ?? NaN,
        bitsPerPixel: numberOrNull(row.bits_per_pixel) ?? NaN,
      })),
    );
  }

  async events(o: { cell: string; fromMs?: number; toMs?: number }): Promise<KnownEvent[]> {
    const where = [
      `"cell" = ${text(o.cell)}`,
      // Without an upper bound InfluxDB ends at the present, and events are to come.
      `time < ${o.toMs ?? LAST_MS}ms`,
      `time >= ${o.fromMs ?? 0}ms`,
    ];
    const groups = await this.connection.query(
      `SELECT "title", "channels", "event_region", "ends_at_ms", "level" FROM "event" ` +
        `WHERE ${where.join(' AND ')} GROUP BY "id"`,
    );
    return groups
      .flatMap(({ tags, rows }) =>
        rows.flatMap((row) => {
          const parsed = knownEventSchema.safeParse({
            id: tags.id,
            title: row.title,
            channelIds: typeof row.channels === 'string' ? row.channels.split(',').filter(Boolean) : [],
            ...(row.event_region ? { region: row.event_region } : {}),
            startsAtMs: row.time,
            endsAtMs: row.ends_at_ms,
            level: row.level,
          });
          // Others may write events too: one that breaks the contract is no event.
          return parsed.success ? [parsed.data] : [];
        }),
      )
      .sort((a, b) => a.startsAtMs - b.startsAtMs || (a.id < b.id ? -1 : 1));
  }

  async putEvent(cell: string, event: KnownEvent): Promise<void> {
    const others = (await this.events({ cell })).filter(({ id }) => id !== event.id);
    if (others.length >= MAX_EVENTS) {
      throw new SwarmError(
        'at-capacity-limit',
        `The cell has ${others.length} events, which is all it keeps.`,
        'Remove events that are over: encoder-swarm event list, encoder-swarm event remove ID.',
      );
    }
    const { id, title, channelIds, region, startsAtMs, endsAtMs, level } = event;
    const point = toInfluxPoint({
      measurement: 'event',
      tags: { cell, id },
      fields: {
        title,
        channels: channelIds.join(','),
        event_region: region ?? '',
        ends_at_ms: endsAtMs,
        level,
      },
      atMs: startsAtMs,
    });
    await this.connection.write([point]);
    // The old one goes after the new one is there: a failure between leaves two, and the next try mends it.
    const same = `"cell" = ${text(cell)} AND "id" = ${text(id)}`;
    await this.connection.execute(`DELETE FROM "event" WHERE ${same} AND time < ${startsAtMs}ms`);
    await this.connection.execute(`DELETE FROM "event" WHERE ${same} AND time > ${startsAtMs}ms`);
  }

  async removeEvent(cell: string, id: string): Promise<boolean> {
    const known = (await this.events({ cell })).some((event) => event.id === id);
    if (known)
      await this.connection.execute(
        `DELETE FROM "event" WHERE "cell" = ${text(cell)} AND "id" = ${text(id)}`,
      );
    return known;
  }

  async importAudience(cell: string, rows: readonly AudienceRow[]): Promise<void> {
    const points = rows.map(({ atMs, channelId, region, viewers }) =>
      toInfluxPoint({
        measurement: 'audience',
        tags: { cell, channel: channelId, region },
        fields: { viewers },
        atMs,
      }),
    );
    await this.connection.write(points);
  }

  private means(measurement: string, field: string, tags: string[], o: StepWindow): Promise<QueryGroup[]> {
    const stepMs = o.stepSeconds * 1000;
    const endMs = firstTargetMs(o.endMs, o.stepSeconds);
    const groupBy = [`time(${stepMs}ms)`, ...tags.map((tag) => `"${tag}"`)].join(', ');
    return this.connection.query(
      `SELECT mean("${field}") AS "value" FROM "${measurement}" WHERE "cell" = ${text(o.cell)} ` +
        `AND time >= ${endMs - o.steps * stepMs}ms AND time < ${endMs}ms GROUP BY ${groupBy} fill(none)`,
    );
  }
}

/** As far as an event may lie ahead: the last millisecond of the year 2199. */
const LAST_MS = Date.UTC(2200, 0, 1) - 1;

/** The rows of a group with their step in the window. */
const placed = (group: QueryGroup, o: StepWindow): PlacedValue[] => {
  const stepMs = o.stepSeconds * 1000;
  const startMs = firstTargetMs(o.endMs, o.stepSeconds) - o.steps * stepMs;
  return group.rows.flatMap((row) => {
    const step = Math.round((row.time - startMs) / stepMs);
    const value = numberOrNull(row.value);
    return value !== null && step >= 0 && step < o.steps ? [{ step, value }] : [];
  });
};

const addTo = (all: StepSeries, id: string, values: readonly PlacedValue[], steps: number): void => {
  const series = (all[id] ??= new Array<number | null>(steps).fill(null));
  for (const { step, value } of values) series[step] = (series[step] ?? 0) + value;
};
