import { SwarmError } from '../../../src/domain';
import { currentAttempt, type Attempt } from './temporal-context';
import type { TemporalModel } from './temporal-model';
import type { VirtualClock } from './virtual-clock';

/**
 * What may go wrong with one call of a saga:
 * - crash-before, crash-after: the part that is called dies before, or after, it has done what was asked;
 * - lost-request, lost-reply: the caller's deadline passes; nothing, or all, was done;
 * - duplicate: delivered twice;
 * - late: delivered after the caller has given up, so that later calls overtake it;
 * - stale-reply: a read is answered with what was true at an earlier moment;
 * - worker-killed-before, worker-killed-after: the worker that makes the call dies.
 */
export const faultKinds = [
  'crash-before',
  'crash-after',
  'lost-request',
  'lost-reply',
  'duplicate',
  'late',
  'stale-reply',
  'worker-killed-before',
  'worker-killed-after',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** A fault at the n-th call (from 1) that the sagas make. */
export interface Fault {
  step: number;
  kind: FaultKind;
}

/** A process that can be called, and killed. */
export interface Part {
  name: string;
  isUp: boolean;
  /** Dies at once; comes back by itself after a while, with what it keeps on disk. */
  crash(): void;
}

export interface Call<T> {
  to: Part;
  what: string;
  run: () => T | Promise<T>;
  /** Reads can be answered stale. */
  isRead: boolean;
  /** Resolves when the caller's deadline has passed; what it throws then. */
  deadline: () => Promise<never>;
  unreachable: () => Error;
}

const ONE_WAY_MS = 2;
const LATE_BY_MS = 9_000;
const never = (): Promise<never> => new Promise(() => undefined);

export interface Step {
  number: number;
  atMs: number;
  activity: string;
  what: string;
  isRead: boolean;
  /** Of a read: the part answered without letting time pass. */
  isInstant: boolean;
  /** Of a read: the earliest answer to it was another one than this. */
  hasChanged: boolean;
}

/** Carries every call of the activities to the parts, numbers those of sagas, and brings the faults about. */
export class NetworkModel {
  readonly steps: Step[] = [];
  readonly happened: string[] = [];
  private readonly faults: Map<number, FaultKind>;
  /** The earliest answer to each read. */
  private readonly answers = new Map<string, string>();

  constructor(
    private readonly clock: VirtualClock,
    private readonly temporal: () => TemporalModel,
    private readonly isStep: (attempt: Attempt, what: string) => boolean,
    faults: readonly Fault[],
  ) {
    this.faults = new Map(faults.map(({ step, kind }) => [step, kind]));
  }

  /** Puts a fault on the n-th saga call from now. */
  faultAfter(steps: number, kind: FaultKind): void {
    this.faults.set(this.steps.length + steps, kind);
  }

  async call<T>(call: Call<T>): Promise<T> {
    const attempt = currentAttempt();
    if (attempt?.isDead) return never();
    const step =
      attempt && this.isStep(attempt, `${call.to.name} ${call.what}`)
        ? this.nextStep(attempt.activity, call)
        : undefined;
    await this.clock.after(ONE_WAY_MS);
    const answer = await this.withFault(call, step);
    await this.clock.after(ONE_WAY_MS);
    return attempt?.isDead ? never() : answer;
  }

  private nextStep(activity: string, { to, what, isRead }: Call<unknown>): Step {
    const number = this.steps.length + 1;
    const step: Step = {
      number,
      atMs: this.clock.nowMs,
      activity,
      what: `${to.name} ${what}`,
      isRead,
      isInstant: false,
      hasChanged: false,
    };
    this.steps.push(step);
    const fault = this.faults.get(number);
    if (fault) this.happened.push(`step ${number} (${activity}: ${to.name} ${what}): ${fault}`);
    return step;
  }

  private async deliver<T>({ to, run, unreachable }: Call<T>): Promise<T> {
    if (!to.isUp) throw unreachable();
    return run();
  }

  /** As it should be: the answer reaches the caller, and may come up again as a stale one. */
  private async answer<T>(call: Call<T>, step: Step | undefined): Promise<T> {
    const { to, what, isRead } = call;
    if (!isRead) return this.deliver(call);
    const askedAtMs = this.clock.nowMs;
    const answer = await this.deliver(call);
    const key = `${to.name} ${what}`;
    const before = this.answers.get(key);
    if (before !== undefined && !step) return answer;
    const text = JSON.stringify(answer);
    if (before === undefined) this.answers.set(key, text);
    if (step) {
      step.isInstant = this.clock.nowMs === askedAtMs;
      step.hasChanged = before !== undefined && before !== text;
    }
    return answer;
  }

  private async withFault<T>(call: Call<T>, step: Step | undefined): Promise<T> {
    const { to, what, deadline, unreachable } = call;
    switch (step && this.faults.get(step.number)) {
      case 'crash-before':
        to.crash();
        throw unreachable();
      case 'crash-after':
        await this.deliver(call).catch(() => undefined);
        to.crash();
        throw unreachable();
      case 'lost-request':
        return deadline();
      case 'lost-reply':
        void this.deliver(call).catch(() => undefined);
        return deadline();
      case 'duplicate':
        await this.deliver(call).catch(() => undefined);
        return this.answer(call, step);
      case 'late':
        void this.clock
          .after(LATE_BY_MS)
          .then(() => this.deliver(call))
          .catch(() => undefined);
        return deadline();
      case 'stale-reply': {
        const known = this.answers.get(`${to.name} ${what}`);
        return known === undefined ? this.answer(call, step) : (JSON.parse(known) as T);
      }
      case 'worker-killed-before':
        this.temporal().killWorker();
        return never();
      case 'worker-killed-after':
        await this.deliver(call).catch(() => undefined);
        this.temporal().killWorker();
        return never();
      default:
        return this.answer(call, step);
    }
  }
}

/** Of gRPC: the caller's deadline passes. */
export const grpcDeadline =
  (clock: VirtualClock, name: string, deadlineMs: number, signal?: AbortSignal) =>
  async (): Promise<never> => {
    const aborted = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve()));
    await Promise.race([clock.after(deadlineMs), aborted]);
    if (signal?.aborted) throw signal.reason as Error;
    throw new SwarmError('encoder-unreachable', `${name} did not answer within ${deadlineMs} ms.`);
  };
