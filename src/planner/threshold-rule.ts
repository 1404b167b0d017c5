import {
  ladderUnits,
  type CellForecast,
  type ChannelObservation,
  type EncoderObservation,
  type Fitness,
  type Move,
  type Plan,
  type Policy,
  type SwarmSnapshot,
} from '../domain';
import { stepAt } from '../forecast';
import type { PlannerMemory } from './planner';

interface Task {
  channel: ChannelObservation;
  current: number;
  predicted: number;
}

interface Host {
  encoder: EncoderObservation;
  limit: number;
  fitness: number;
  tasks: Task[];
}

const byId = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const sum = (tasks: readonly Task[], of: 'current' | 'predicted'): number =>
  tasks.reduce((total, task) => total + task[of], 0);

/** Point forecast, P50: the highest of the steps to come; what it needs now where there is none. */
const taskOf = (channel: ChannelObservation, forecast: CellForecast | null, atMs: number): Task => {
  const { spec, rungs } = channel;
  const current = ladderUnits(spec.ladder.slice(0, rungs), spec.framesPerSecond);
  const upcoming = forecast?.channelUnits[spec.id]?.p50.slice(stepAt(forecast, atMs)) ?? [];
  return { channel, current, predicted: upcoming.length > 0 ? Math.max(...upcoming) : current };
};

const hostsOf = (
  { encoders, channels, atMs }: SwarmSnapshot,
  forecast: CellForecast | null,
  fitness: readonly Fitness[],
  policy: Policy,
): Host[] => {
  const scores = new Map(fitness.map((f) => [f.encoderId, f.score]));
  const hosts = encoders
    .filter((encoder) => encoder.reachable)
    .sort((a, b) => byId(a.id, b.id))
    .map((encoder): Host => ({
      encoder,
      limit: encoder.capacityUnits * policy.limitFraction,
      fitness: scores.get(encoder.id) ?? 0,
      tasks: [],
    }));
  const hostById = new Map(hosts.map((host) => [host.encoder.id, host]));
  for (const channel of [...channels].sort((a, b) => byId(a.spec.id, b.spec.id))) {
    if (channel.owner && !channel.moving) {
      hostById.get(channel.owner.encoderId)?.tasks.push(taskOf(channel, forecast, atMs));
    }
  }
  return hosts;
};

/** The plan that the rule makes in one cycle, move by move. */
class RulePlan {
  readonly moves: Move[] = [];

  constructor(private readonly hosts: readonly Host[]) {}

  /** Moves the first of `tasks` that one of `targets` has room for, to the first that has. */
  move(
    source: Host,
    tasks: readonly Task[],
    targets: readonly Host[],
    reason: Move['reason'],
    why: string,
  ): boolean {
    for (const task of tasks) {
      const target = targets.find((host) => this.canTake(host, source, task));
      if (!target) continue;
      source.tasks.splice(source.tasks.indexOf(task), 1);
      target.tasks.push(task);
      this.moves.push({
        channelId: task.channel.spec.id,
        fromEncoderId: source.encoder.id,
        toEncoderId: target.encoder.id,
        rungs: task.channel.rungs,
        reason,
        explanation: {
          summary: `${why}; moving ${task.channel.spec.id} to ${target.encoder.id}.`,
          figures: { channelUnits: task.current, predictedUnits: task.predicted },
          fitness: { from: source.fitness, to: target.fitness },
          rejected: [],
        },
      });
      return true;
    }
    return false;
  }

  fittest(): Host[] {
    return [...this.hosts].sort((a, b) => b.fitness - a.fitness || byId(a.encoder.id, b.encoder.id));
  }

  fullest(): Host[] {
    return [...this.hosts].sort(
      (a, b) => sum(b.tasks, 'current') - sum(a.tasks, 'current') || byId(a.encoder.id, b.encoder.id),
    );
  }

  private canTake({ encoder, limit, tasks }: Host, source: Host, task: Task): boolean {
    if (encoder === source.encoder || encoder.draining || encoder.cordoned) return false;
    if (encoder.region !== task.channel.spec.region || tasks.length >= encoder.maxSessions) return false;
    const after = Math.max(sum(tasks, 'current') + task.current, sum(tasks, 'predicted') + task.predicted);
    return after <= limit;
  }
}

/**
 * The simplest rule that is written for this problem, kept to compare with. A move per encoder and
 * cycle: away from one whose predicted load exceeds the current one times `growthThreshold`; else, as long as it has
 * more than one task, to the fullest encoder with room. Encoders are added when total predicted demand exceeds
 * capacity, and released below `deprovisionFraction` of it.
 *
 * What the rule leaves open: predicted is P50 (it knows no quantiles); capacity is the sum of the limits, what was asked
 * for included; the largest task leaves a growing encoder, the smallest is consolidated; a draining encoder's tasks
 * all leave. Written as predicted < current x threshold, the second condition holds nearly always, and every encoder
 * would move a task in every cycle; so low load is predicted < current / threshold here.
 */
export const thresholdRule = (
  snapshot: SwarmSnapshot,
  forecast: CellForecast | null,
  fitness: readonly Fitness[],
  policy: Policy,
  _memory: PlannerMemory,
): Plan => {
  const hosts = hostsOf(snapshot, forecast, fitness, policy);
  const rulePlan = new RulePlan(hosts);
  for (const host of hosts) {
    const { encoder, tasks } = host;
    const current = sum(tasks, 'current');
    const predicted = sum(tasks, 'predicted');
    const largest = [...tasks].sort((a, b) => b.predicted - a.predicted);
    if (encoder.draining) {
      for (const task of largest)
        rulePlan.move(host, [task], rulePlan.fittest(), 'drain', `${encoder.id} is drained`);
    } else if (predicted > current * policy.growthThreshold) {
      rulePlan.move(host, largest, rulePlan.fittest(), 'predicted-overload', `${encoder.id} will grow`);
    } else if (predicted < current / policy.growthThreshold && tasks.length > 1) {
      rulePlan.move(
        host,
        largest.reverse(),
        rulePlan.fullest(),
        'consolidation',
        `${encoder.id} will shrink`,
      );
    }
  }
  return {
    moves: rulePlan.moves,
    unmet: [],
    lowDemandSinceMs: null,
    scale: scaleOf(snapshot, hosts, policy),
  };
};

const scaleOf = (
  { encoders, pendingEncoders = [] }: SwarmSnapshot,
  hosts: readonly Host[],
  policy: Policy,
): Plan['scale'] => {
  const staying = hosts.filter(({ encoder }) => !encoder.draining);
  const limit =
    staying.length > 0 ? staying.reduce((total, host) => total + host.limit, 0) / staying.length : 0;
  const capacityUnits = (staying.length + pendingEncoders.length) * limit;
  const demandUnits = hosts.reduce((total, host) => total + sum(host.tasks, 'predicted'), 0);
  const figures = { demandUnits, capacityUnits };
  if (demandUnits > capacityUnits && limit > 0) {
    const wanted = Math.ceil((demandUnits - capacityUnits) / limit);
    const count = Math.min(wanted, policy.maxEncoders - encoders.length - pendingEncoders.length);
    const reason = `predicted demand of ${demandUnits.toFixed(2)} units exceeds the capacity of ${capacityUnits.toFixed(2)}`;
    return count > 0 ? { kind: 'provision', count, reason, figures } : { kind: 'none' };
  }
  const [emptiest] = staying.sort((a, b) => sum(a.tasks, 'current') - sum(b.tasks, 'current'));
  if (
    !emptiest ||
    staying.length <= policy.minEncoders ||
    demandUnits >= capacityUnits * policy.deprovisionFraction
  ) {
    return { kind: 'none' };
  }
  const reason = `predicted demand of ${demandUnits.toFixed(2)} units is below ${policy.deprovisionFraction} of the capacity of ${capacityUnits.toFixed(2)}`;
  return { kind: 'deprovision', encoderId: emptiest.encoder.id, reason, figures };
};
