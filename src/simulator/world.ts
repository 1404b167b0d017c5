import { ladderUnits, rungsFor, type ChannelSpec } from '../domain';
import { deservedRungs } from '../planner';

/** A channel with its audience over the whole time that a simulation knows. */
export interface WorldChannel {
  spec: ChannelSpec;
  /** What its audience was made from. */
  source: string;
  /** Viewers per sample, NaN while it is off the air; historySamples before the start, then the simulated time. */
  viewers: Float32Array;
}

/** What happens to a swarm from outside, the same for every policy. */
export interface World {
  cell: string;
  seed: number;
  /** Wall clock at which the simulated time begins, milliseconds. */
  startMs: number;
  /** Distance of audience samples; between two of them viewers lie on a straight line. */
  sampleSeconds: number;
  historySamples: number;
  /** Time between two control cycles, which is also how long a handoff takes here. */
  cycleSeconds: number;
  cycles: number;
  /** Step of the forecasts, and how many make a day. */
  forecastStepSeconds: number;
  daySteps: number;
  channels: WorldChannel[];
}

/** Encode units of a channel by rungs; 0 rungs (off the air) need none. */
export const unitsByRungs = ({ ladder, framesPerSecond }: ChannelSpec): number[] =>
  [...ladder.keys(), ladder.length].map((rungs) => ladderUnits(ladder.slice(0, rungs), framesPerSecond));

/** Viewers at a moment after the start, NaN while off the air. */
export const viewersAt = (world: World, channel: WorldChannel, seconds: number): number => {
  const position = world.historySamples + seconds / world.sampleSeconds;
  const index = Math.floor(position);
  const before = channel.viewers[index] ?? NaN;
  if (Number.isNaN(before)) return NaN;
  const after = channel.viewers[index + 1] ?? NaN;
  return Number.isNaN(after) ? before : before + (after - before) * (position - index);
};

/** What every channel needs in every cycle of the simulated time. */
export interface Demand {
  /** rungs[channel][cycle]: rungs that its audience earned by then, with the planner's hysteresis; 0 = off the air. */
  rungs: Uint8Array[];
  /** units[channel][rungs] */
  units: number[][];
  /** Sum over all channels, per cycle. */
  totalUnits: Float64Array;
  /** Changes of ladder of channels on air. */
  ladderChanges: number;
  /** Sum over all channels of the time on air, days. */
  channelDays: number;
}

/**
 * Ladders follow the audience in the same way whatever the policy: it decides where a channel is encoded, not what
 * its viewers get. So a policy can't avoid an overload by keeping renditions back.
 *
 * @param fromCycle changes and days are counted from this cycle on
 */
export const demandOf = (world: World, fromCycle = 0): Demand => {
  const { cycles, cycleSeconds, channels } = world;
  const totalUnits = new Float64Array(cycles);
  const units = channels.map(({ spec }) => unitsByRungs(spec));
  let ladderChanges = 0;
  let channelCycles = 0;
  const rungs = channels.map((channel, c) => {
    const { spec } = channel;
    const earned = new Uint8Array(cycles);
    let now = 0;
    for (let cycle = 0; cycle < cycles; cycle++) {
      const viewers = viewersAt(world, channel, cycle * cycleSeconds);
      const before = now;
      if (Number.isNaN(viewers)) now = 0;
      else now = before === 0 ? rungsFor(spec, viewers) : deservedRungs({ spec, viewers, rungs: before });
      if (cycle >= fromCycle) {
        if (now > 0) channelCycles++;
        if (now > 0 && before > 0 && now !== before) ladderChanges++;
      }
      earned[cycle] = now;
      totalUnits[cycle] = (totalUnits[cycle] as number) + (units[c]?.[now] as number);
    }
    return earned;
  });
  return { rungs, units, totalUnits, ladderChanges, channelDays: (channelCycles * cycleSeconds) / 86_400 };
};
