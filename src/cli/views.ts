import type { ChannelStatus, EncoderStatus, MoveRecord } from '../contracts/api';
import type { StandbyInfo } from '../contracts/source-standby';
import { BY_RULES } from '../domain';
import { milliseconds, seconds, table, units } from '../platform/terminal/table';

const encoderState = (e: EncoderStatus): string => {
  if (!e.reachable) return 'no answer';
  if (e.draining) return e.sessions.length ? 'draining' : 'drained';
  return e.cordoned ? 'cordoned' : e.load === 'ok' ? 'ready' : e.load;
};

export const encoderLines = (encoders: readonly EncoderStatus[]): string[] =>
  table(
    ['encoder', 'zone', 'state', 'units', 'P90', 'limit', 'capacity', 'fitness', 'weakest', 'sessions'],
    encoders.map((e) => [
      e.id,
      e.zone,
      encoderState(e),
      units(e.unitsUsed),
      units(e.forecastP90Units),
      units(e.limitUnits),
      units(e.capacityUnits),
      units(e.fitness?.score ?? null),
      e.fitness?.weakestTerm ?? null,
      e.sessions.length,
    ]),
  );

/** Which input is on air, and what is to be. */
export const switchLines = (id: string, { onAir, planned }: StandbyInfo): string[] => [
  `${id} is on ${onAir ?? 'no input yet'}.`,
  ...planned.map(({ input, atMs, requestedBy }) => {
    const what = input === BY_RULES ? 'The rules choose again' : `It goes to ${input}`;
    return `${what} at ${new Date(atMs).toISOString()} (${requestedBy}).`;
  }),
];

export const channelLines = (channels: readonly ChannelStatus[]): string[] =>
  table(
    ['channel', 'status', 'owner', 'ladder', 'viewers', 'P90', 'delay', 'last GOP', 'token', 'gaps'],
    channels.map((c) => [
      c.id,
      c.status,
      c.owner?.encoderId ?? null,
      c.rungs.join('+') || null,
      c.viewers === null ? null : Math.round(c.viewers),
      c.viewersForecastP90 === null ? null : Math.round(c.viewersForecastP90),
      milliseconds(c.publishDelayMs),
      c.nextGop === null ? null : c.nextGop - 1,
      c.token,
      c.gapsDeclared,
    ]),
  );

export const moveLines = (moves: readonly MoveRecord[], nowMs: number): string[] =>
  table(
    ['ago', 'channel', 'why', 'from', 'to', 'to commit', 'overlap', 'outcome', 'workflow'],
    moves.map((m) => [
      seconds(nowMs - m.requestedAtMs),
      m.channelId,
      m.reason,
      m.fromEncoderId,
      m.toEncoderId,
      milliseconds(m.requestToCommitMs),
      m.overlapGops === null ? null : `${m.overlapGops.toFixed(1)} GOP`,
      m.outcome,
      m.workflowId,
    ]),
  );
