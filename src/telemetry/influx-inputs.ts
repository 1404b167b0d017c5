import { knownEventSchema, SwarmError, type KnownEvent } from '../domain';
import { firstTargetMs } from '../forecast';
import {
  MAX_EVENTS,
  type AudienceRow,
  type EncodingMinute,
  type ForecastInputs,
  type StepSeries,
  type StepWindow,
} from './forecast-inputs';
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

  async audience(options: StepWindow): Promise<{ byChannel: StepSeries; byRegion: StepSeries }> {
    const groups = await this.means('audience', 'viewers', ['channel', 'region'], options);
    const byChannel: StepSeries = {};
    const byRegion: StepSeries = {};
    for (const group of groups) {
      const { channel = '', region = '' } = group.tags;
      const values = placed(group, options);
      if (channel !== '') addTo(byChannel, channel, values, options.steps);
      if (region !== '') addTo(byRegion, region, values, options.steps);
    }
    return { byChannel, byRegion };
  }

  async regionLoad(options: StepWindow): Promise<StepSeries> {
    const groups = await this.means('cdn', 'load_fraction', ['region', 'source'], options);
    const regions = new Set(groups.map(({ tags }) => tags.region ?? ''));
    const load: StepSeries = {};
    for (const region of regions) {
      const own = groups.filter(({ tags }) => (tags.region ?? '') === region);
      const measured = own.filter(({ tags }) => tags.source !== GENERATED);
      const [source] = measured.length > 0 ? measured : own;
      if (source && region !== '') addTo(load, region, placed(source, options), options.steps);
    }
    return load;
  }

  async trend(options: StepWindow): Promise<StepSeries> {
    const scores: StepSeries = {};
    for (const group of await this.means('trend', 'score', ['channel'], options)) {
      if (group.tags.channel) addTo(scores, group.tags.channel, placed(group, options), options.steps);
    }
    return scores;
  }

  async encodingMinutes(options: { cell: string; sinceMs: number }): Promise<EncodingMinute[]> {
    const columns = ['units', 'cpu_cores', 'bits_per_pixel'].map((f) => `mean("${f}") AS "${f}"`);
    const groups = await this.connection.query(
      `SELECT ${columns.join(', ')} FROM "encoding" WHERE "cell" = ${text(options.cell)} ` +
        `AND time >= ${Math.floor(options.sinceMs)}ms GROUP BY time(1m), "channel", "encoder" fill(none)`,
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

  async events(options: { cell: string; fromMs?: number; toMs?: number }): Promise<KnownEvent[]> {
    const where = [
      `"cell" = ${text(options.cell)}`,
      // Without an upper bound InfluxDB ends at the present, and events are to come.
      `time < ${options.toMs ?? LAST_MS}ms`,
      `time >= ${options.fromMs ?? 0}ms`,
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
    // Those that are over go by themselves after a month. A busy cell needs their places before.
    const over = others.filter(({ endsAtMs }) => endsAtMs < Date.now());
    const tooMany = others.length - (MAX_EVENTS - 1);
    if (tooMany > over.length) {
      throw new SwarmError(
        'at-capacity-limit',
        `The cell has ${others.length} events, which is all it keeps.`,
        'Remove some: encoder-swarm event list, encoder-swarm event remove ID. Those that are over make room by themselves.',
      );
    }
    for (const { id } of over.slice(0, Math.max(0, tooMany))) await this.removeEvent(cell, id);
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
    // The old one goes after the new one is there: a failure between leaves two, and the next try repairs it.
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

  private means(
    measurement: string,
    field: string,
    tags: string[],
    options: StepWindow,
  ): Promise<QueryGroup[]> {
    const stepMs = options.stepSeconds * 1000;
    const endMs = firstTargetMs(options.endMs, options.stepSeconds);
    const groupBy = [`time(${stepMs}ms)`, ...tags.map((tag) => `"${tag}"`)].join(', ');
    return this.connection.query(
      `SELECT mean("${field}") AS "value" FROM "${measurement}" WHERE "cell" = ${text(options.cell)} ` +
        `AND time >= ${endMs - options.steps * stepMs}ms AND time < ${endMs}ms GROUP BY ${groupBy} fill(none)`,
    );
  }
}

/** As far as an event may lie ahead: the last millisecond of the year 2199. */
const LAST_MS = Date.UTC(2200, 0, 1) - 1;

/** The rows of a group with their step in the window. */
const placed = (group: QueryGroup, options: StepWindow): PlacedValue[] => {
  const stepMs = options.stepSeconds * 1000;
  const startMs = firstTargetMs(options.endMs, options.stepSeconds) - options.steps * stepMs;
  return group.rows.flatMap((row) => {
    const step = Math.round((row.time - startMs) / stepMs);
    const value = numberOrNull(row.value);
    return value !== null && step >= 0 && step < options.steps ? [{ step, value }] : [];
  });
};

const addTo = (all: StepSeries, id: string, values: readonly PlacedValue[], steps: number): void => {
  const series = (all[id] ??= new Array<number | null>(steps).fill(null));
  for (const { step, value } of values) series[step] = (series[step] ?? 0) + value;
};
