import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { modelsSchema, statusSchema, versionsSchema, type Status } from '../../src/contracts/api';
import { rolloutStateSchema } from '../../src/domain';
import { apiAuthorization } from '../../src/platform/own-identity';

const POLL_MS = 500;
const CALL_LIMIT_MS = 90_000;

/** A build that every machine has alike: it is installed with the project, in a pinned version. */
const PACKAGED_BUILD = {
  id: 'npm-2018',
  source: { kind: 'package', ecosystem: 'npm', name: '@ffmpeg-installer/ffmpeg', version: '1.1.0' },
} as const;

/** Whether the new build looks worse on a busy machine is not the question: it takes overwhelming evidence to go back. */
const EAGER_ROLLOUT = {
  soakSeconds: 1,
  compareSeconds: 0.5,
  qualityEvery: 2,
  askAfterSeconds: 60,
  falseAlarmRate: 1e-9,
  speedMargin: 1,
  cpuMargin: 10,
};

type Encoder = Status['encoders'][number];

export interface ScenarioOptions {
  apiUrl: string;
  encodersAtBegin: number;
  /** The ffmpeg that the encoder hosts begin with. */
  ffmpegPath: string;
  /** Ends a part of the swarm as a crash would. */
  kill: (part: string) => Promise<void>;
  /** Runs of the swarm's workflow so far: it begins another one after some tens of cycles. */
  swarmRuns: () => Promise<number>;
  say: (line: string) => void;
}

/**
 * Has a running swarm go through what its records and histories should hold: moves by an operator and by the planner, a
 * lost encoder, a drain, a rollout, a change of the target build, a retraining, more and fewer encoders. It leaves a pin,
 * a target build and a known event.
 */
export class Scenario {
  constructor(private readonly options: ScenarioOptions) {}

  async run(): Promise<void> {
    await this.until('every channel is on air', allOnAir);
    const steps: Record<string, () => Promise<void>> = {
      'builds are registered and probed': () => this.registerBuilds(),
      'an operator moves a channel': () => this.moveByOperator(),
      'an encoder is lost': () => this.loseEncoder(),
      'an encoder is drained': () => this.drain(),
      'a build is rolled out': () => this.rollOut(),
      'encoders are brought to another build, and back': () => this.changeTarget(),
      'the net is trained': () => this.retrain(),
      'an encoder is added, and one let go': () => this.growAndShrink(),
      'the swarm begins another run': () => this.outliveRun(),
      'a pin and an event are left': () => this.leaveMarks(),
      'it settles': () => this.settle(),
    };
    for (const [what, step] of Object.entries(steps)) {
      this.options.say(`scenario: ${what}`);
      await step();
    }
  }

  private async registerBuilds(): Promise<void> {
    const installed = { id: 'installed', source: { kind: 'path', path: this.options.ffmpegPath } };
    for (const build of [installed, PACKAGED_BUILD]) {
      await this.ask(z.unknown(), 'POST', '/versions', build);
      await this.ask(z.unknown(), 'POST', `/versions/${build.id}/probe`, {});
    }
  }

  private async moveByOperator(): Promise<void> {
    const move = async (): Promise<boolean> => {
      for (const { id } of (await this.status()).channels) {
        // Refused where the fleet has no room for it just now; another channel, or the same a moment later, has.
        const refusal = await this.ask(z.unknown(), 'POST', `/channels/${id}/handoff`, {}).then(
          () => null,
          (error: Error) => error.message,
        );
        if (refusal === null) return true;
        this.options.say(refusal);
      }
      return false;
    };
    await until('an operator moved a channel', move, (isMoved) => isMoved);
  }

  private async loseEncoder(): Promise<void> {
    const { channels, moves } = await this.status();
    const before = new Set(moves.map(({ workflowId }) => workflowId));
    await this.options.kill(ownerOf(channels, 'ch-2'));
    await this.until('the lost encoder is answered by a recovery', ({ moves: now }) =>
      now.some((m) => m.kind === 'recovery' && !before.has(m.workflowId) && m.outcome === 'recovered'),
    );
    await this.until('every channel is on air', allOnAir);
    await this.until('the encoder is back', ({ encoders }) => encoders.every(({ reachable }) => reachable));
  }

  private async drain(): Promise<void> {
    const { channels } = await this.status();
    const encoderId = ownerOf(channels, 'ch-3');
    await this.ask(z.unknown(), 'POST', `/encoders/${encoderId}/drain`, {});
    await this.until(
      `${encoderId} is empty`,
      (status) => allOnAir(status) && status.channels.every(({ owner }) => owner?.encoderId !== encoderId),
    );
    await this.ask(z.unknown(), 'POST', `/encoders/${encoderId}/uncordon`, {});
  }

  private async rollOut(): Promise<void> {
    const asked = { buildId: PACKAGED_BUILD.id, policy: EAGER_ROLLOUT };
    await this.ask(z.unknown(), 'POST', '/rollout', asked);
    for (;;) {
      await sleep(POLL_MS);
      const { phase, detail } = await this.ask(rolloutStateSchema, 'GET', '/rollout');
      if (phase === 'completed') return;
      if (phase === 'rolled-back' || phase === 'refused')
        throw new Error(`The rollout ended ${phase}: ${detail}`);
      // It may have gone on meanwhile.
      if (phase === 'holding') {
        await this.ask(z.unknown(), 'POST', '/rollout/decide', { decision: 'continue' }).catch(
          () => undefined,
        );
      }
    }
  }

  private async changeTarget(): Promise<void> {
    await this.bringTo('installed');
    await this.bringTo(PACKAGED_BUILD.id);
  }

  /** Has the control cycle bring every encoder to a build. */
  private async bringTo(buildId: string): Promise<void> {
    await this.ask(z.unknown(), 'PUT', '/versions/target', { buildId });
    await this.untilVersions(`every encoder runs ${buildId}`, ({ encoders }) =>
      encoders.every(({ inLine }) => inLine === true),
    );
  }

  private async retrain(): Promise<void> {
    const known = async (): Promise<number> => (await this.ask(modelsSchema, 'GET', '/models')).models.length;
    const before = await known();
    await this.ask(z.unknown(), 'POST', '/models/retrain', {});
    await until('a model is trained', known, (count) => count > before);
  }

  /**
   * An encoder is emptied and gets no new work, channels come until another one is added, and go until that first one,
   * which nobody needs, is let go: those that stay are not all those that the swarm began with.
   */
  private async growAndShrink(): Promise<void> {
    const { encodersAtBegin } = this.options;
    // The control cycle may have added one by itself; much more than that it would not add.
    const { encoders, channels } = await this.until(
      'an encoder could be added',
      (status) => status.encoders.length <= encodersAtBegin + 1,
    );
    const load = ({ id }: Encoder): number => channels.filter(({ owner }) => owner?.encoderId === id).length;
    const leaver = [...encoders].sort((a, b) => load(a) - load(b))[0]?.id;
    await this.ask(z.unknown(), 'POST', `/encoders/${leaver}/drain`, {});
    await this.until(`${leaver} is empty`, (status) =>
      status.channels.every(({ owner }) => owner?.encoderId !== leaver),
    );
    // Not draining any more, but cordoned.
    for (const change of ['uncordon', 'cordon']) {
      await this.ask(z.unknown(), 'POST', `/encoders/${leaver}/${change}`, {});
    }
    const extra = ['more-1', 'more-2', 'more-3'];
    // Any audience earns them all of their ladder.
    for (const id of extra) await this.ask(z.unknown(), 'POST', '/channels', { id, viewersPerRung: [0, 0] });
    await this.until('an encoder is added', (status) => status.encoders.length > encoders.length);
    for (const id of extra) await this.ask(z.unknown(), 'DELETE', `/channels/${id}`);
    await this.until(`${leaver} is let go`, (status) => status.encoders.every(({ id }) => id !== leaver));
    await this.ask(z.unknown(), 'POST', `/encoders/${leaver}/uncordon`, {}).catch(() => undefined);
  }

  private async leaveMarks(): Promise<void> {
    const { atMs } = await this.status();
    const hourMs = 3_600_000;
    await this.ask(z.unknown(), 'PUT', '/versions/pins/ch-1', { buildId: PACKAGED_BUILD.id });
    await this.ask(z.unknown(), 'POST', '/events', {
      ...{ id: 'derby', title: 'Derby', channelIds: ['ch-1'] },
      ...{ startsAtMs: atMs + 24 * hourMs, endsAtMs: atMs + 26 * hourMs },
    });
  }

  /** What a run hands to the next one is read by the next release too. */
  private async outliveRun(): Promise<void> {
    await until('the swarm is in its second run', this.options.swarmRuns, (runs) => runs > 1);
    const { cycle } = await this.status();
    await this.until('that run did a cycle', (now) => (now.cycle?.number ?? 0) > (cycle?.number ?? 0) + 1);
  }

  /**
   * Ends where the swarm has as few encoders as it may: however long it stands still counts for it as time of low demand,
   * and started again it would let an encoder go at once, perhaps the one with the cordon.
   */
  private async settle(): Promise<void> {
    await this.until('as few encoders as may be, every channel on air, and nothing moves', (status) => {
      const { encoders, moves } = status;
      const isAsFew = encoders.length <= this.options.encodersAtBegin;
      return isAsFew && allOnAir(status) && moves.every(({ outcome }) => outcome !== 'running');
    });
  }

  /** The last that happens to the swarm: cordoned, an encoder is one too few, and the swarm would ask for another one. */
  async cordon(): Promise<void> {
    const { channels, encoders } = await this.status();
    const owner = ownerOf(channels, 'ch-1');
    const encoderId = encoders.find(({ id }) => id !== owner)?.id ?? owner;
    await this.ask(z.unknown(), 'POST', `/encoders/${encoderId}/cordon`, {});
    await this.until('the cordon shows', (status) =>
      status.encoders.some(({ id, cordoned }) => id === encoderId && cordoned),
    );
  }

  private status(): Promise<Status> {
    return this.ask(statusSchema, 'GET', '/status');
  }

  private until(what: string, holds: (status: Status) => boolean): Promise<Status> {
    return until(what, () => this.status(), holds);
  }

  private async untilVersions(
    what: string,
    holds: (v: z.output<typeof versionsSchema>) => boolean,
  ): Promise<void> {
    await until(what, () => this.ask(versionsSchema, 'GET', '/versions'), holds);
  }

  /** @throws Error with the answer of the API where it refuses */
  private async ask<T extends z.ZodType>(
    schema: T,
    method: string,
    path: string,
    body?: unknown,
  ): Promise<z.output<T>> {
    const answer = await fetch(`${this.options.apiUrl}/api${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...apiAuthorization(),
      },
      signal: AbortSignal.timeout(CALL_LIMIT_MS),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return schema.parse(text === '' ? null : JSON.parse(text));
  }
}

const UNTIL_LIMIT_MS = 600_000;

const until = async <T>(what: string, look: () => Promise<T>, holds: (seen: T) => boolean): Promise<T> => {
  const deadlineMs = Date.now() + UNTIL_LIMIT_MS;
  for (;;) {
    // Parts are being killed and changed meanwhile: a look that fails is taken again.
    const seen = await look().catch((error: unknown) => error as Error);
    if (!(seen instanceof Error) && holds(seen)) return seen;
    if (Date.now() > deadlineMs) throw new Error(`Not within ${UNTIL_LIMIT_MS / 1_000} s: ${what}.`);
    await sleep(POLL_MS);
  }
};

const allOnAir = ({ channels }: Status): boolean => channels.every(({ status }) => status === 'on-air');

const ownerOf = (channels: Status['channels'], id: string): string => {
  const encoderId = channels.find((channel) => channel.id === id)?.owner?.encoderId;
  if (encoderId === undefined) throw new Error(`Channel ${id} has no owner.`);
  return encoderId;
};
