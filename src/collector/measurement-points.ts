import type { StorageReport } from '../contracts/health';
import type { LedgerEntry, OriginChannel } from '../contracts/origin';
import { ticksToSeconds, UNIT_PIXELS_PER_SECOND, type EncoderInfo, type EncoderTelemetry } from '../domain';
import type { Point } from '../telemetry';

/** Points of one encoder and its sessions at one poll. Without telemetry it did not answer. */
export const encoderPoints = (
  cell: string,
  info: EncoderInfo,
  telemetry: EncoderTelemetry | null,
  atMs: number,
): Point[] => {
  const tags = { cell, encoder: info.id };
  const place = { region: info.region, zone: info.zone };
  const capacity = { capacity_units: info.capacityUnits };
  if (!telemetry) {
    return [
      {
        measurement: 'encoder',
        tags: { ...tags, ...place },
        fields: { ...capacity, reachable: false },
        atMs,
      },
    ];
  }
  // A change of ladder has two sessions of one channel on one encoder: of points with the same tags the last one
  // stays, which should be the one on air.
  const sessions = telemetry.sessions
    .filter((s) => s.state !== 'released')
    .sort((a, b) => Number(a.state === 'publishing') - Number(b.state === 'publishing'));
  return [
    {
      measurement: 'encoder',
      tags: { ...tags, ...place },
      fields: {
        ...capacity,
        cpu_cores: telemetry.cpuCores,
        memory_mib: telemetry.memoryMiB,
        network_kbps: telemetry.networkKbps,
        units_used: telemetry.unitsUsed,
        sessions: sessions.length,
        reachable: true,
      },
      atMs,
    },
    ...sessions.map((s) => ({
      measurement: 'session',
      tags: { ...tags, channel: s.channelId },
      fields: {
        real_time_ratio: s.realTimeRatio,
        late_gops: s.lateGops,
        units: s.units,
        last_published_gop: s.lastPublishedGop,
      },
      atMs,
    })),
  ];
};

/** Whether a part of the media path can write to its disk. */
export const storagePoint = (cell: string, report: StorageReport, atMs: number): Point => ({
  measurement: 'storage',
  tags: { cell, part: report.part },
  fields: {
    full: report.state === 'full',
    failing: report.state === 'failing',
    affected: report.affected.length,
  },
  atMs,
});

/** Point of one channel; units and rungs are those of its owner's session, where that is known. */
export const channelPoint = (
  cell: string,
  channel: OriginChannel,
  region: string,
  telemetry: EncoderTelemetry | null,
  publishDelayMs: number | null,
  atMs: number,
): Point => {
  const session = telemetry?.sessions.find((s) => s.sessionId === channel.owner?.sessionId);
  return {
    measurement: 'channel',
    tags: { cell, channel: channel.id, encoder: channel.owner?.encoderId ?? 'none', region },
    fields: {
      units: session?.units ?? 0,
      rungs: session?.renditions.length ?? 0,
      next_gop: channel.nextGop,
      ...(publishDelayMs !== null && { publish_delay_ms: publishDelayMs }),
    },
    atMs,
  };
};

/**
 * Encoding history: what the newest GOP of a channel cost its encoder, and how complex its content was, measured by the
 * bits per pixel that capped constant quality took. No point where the host does not report the session's cores, or
 * where the GOP came from another encoder than the session.
 */
export const encodingPoints = (
  cell: string,
  channel: OriginChannel,
  telemetry: EncoderTelemetry | null,
  newest: LedgerEntry | null,
  atMs: number,
): Point[] => {
  const session = telemetry?.sessions.find((s) => s.sessionId === channel.owner?.sessionId);
  const isItsOwn = newest?.encoderId === channel.owner?.encoderId;
  if (!session?.cpuCores || session.units <= 0 || !newest || !isItsOwn) return [];
  const bytes = newest.renditions.reduce((sum, rendition) => sum + rendition.bytes, 0);
  if (bytes <= 0) return [];
  const gopSeconds = ticksToSeconds(channel.gopDurationTicks);
  const bits = bytes * 8;
  return [
    {
      measurement: 'encoding',
      tags: { cell, encoder: channel.owner?.encoderId ?? '', channel: channel.id },
      fields: {
        units: session.units,
        renditions: session.renditions.length,
        cpu_cores: session.cpuCores,
        bits_per_pixel: bits / (session.units * UNIT_PIXELS_PER_SECOND * gopSeconds),
        bitrate_kbps: bits / 1000 / gopSeconds,
        gop: newest.gop,
      },
      atMs,
    },
  ];
};
