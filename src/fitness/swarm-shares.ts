import type { EncoderObservation } from '../domain';
import type { ZoneShare } from './terms';

/** Units are summed in whole grains, so that the order in which encoders come does not matter. */
const GRAINS_PER_UNIT = 1e8;

const grains = (units: number): number => Math.round(units * GRAINS_PER_UNIT);

/** Encoders with the same word take over from each other without a discontinuity, as far as is known. */
const buildWordOf = ({ compatibilityClass, ffmpegVersion }: EncoderObservation): string =>
  compatibilityClass === undefined ? `ffmpeg ${ffmpegVersion}` : `class ${compatibilityClass}`;

const increase = (counts: Map<string, number>, key: string, by: number): void => {
  counts.set(key, (counts.get(key) ?? 0) + by);
};

/** How an encoder's build and zone stand in the whole swarm. */
export class SwarmShares {
  private readonly versions = new Map<string, number>();
  private readonly builds = new Map<string, number>();
  private readonly zones = new Map<string, ZoneShare>();
  private reachable = 0;
  private capacity = 0;
  private load = 0;

  /** @param sign 1: the encoder is there, -1: it is no more */
  add(encoder: EncoderObservation, sign: 1 | -1): void {
    const capacity = sign * grains(encoder.capacityUnits);
    const load = encoder.reachable ? sign * grains(encoder.telemetry?.unitsUsed ?? 0) : 0;
    const zone = this.zones.get(encoder.zone) ?? {
      encoders: 0,
      reachable: 0,
      capacity: 0,
      load: 0,
      swarmCapacity: 0,
      swarmLoad: 0,
    };
    this.zones.set(encoder.zone, zone);
    zone.encoders += sign;
    zone.capacity += capacity;
    zone.load += load;
    this.capacity += capacity;
    this.load += load;
    if (!encoder.reachable) return;
    zone.reachable += sign;
    this.reachable += sign;
    increase(this.versions, encoder.version, sign);
    increase(this.builds, buildWordOf(encoder), sign);
  }

  /** Reachable encoders: with this one's host version, with a build interchangeable with its own, and all. */
  versionsLike(encoder: EncoderObservation): { sameVersion: number; sameBuild: number; reachable: number } {
    return {
      sameVersion: this.versions.get(encoder.version) ?? 0,
      sameBuild: this.builds.get(buildWordOf(encoder)) ?? 0,
      reachable: this.reachable,
    };
  }

  zoneOf({ zone }: EncoderObservation): ZoneShare {
    return { ...(this.zones.get(zone) as ZoneShare), swarmCapacity: this.capacity, swarmLoad: this.load };
  }
}
