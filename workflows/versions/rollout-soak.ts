import { isCancellation } from '@temporalio/workflow';
import type { DrainedChannel } from '../../activities';
import type { InstalledBuild, RolloutEncoder, RolloutState } from '../../src/domain';
import { rollbackAfter, verdictInWords } from '../../src/domain/rollout-words';
import { retryFor3min, retryFor6h, threeTries60s, twoTries4s } from '../kit/steps';
import { RollbackRequested } from './rollback-requested';

/** Length of one turn of comparisons; between turns the canary gets back the channels that it has lost. */
const TURN_SECONDS = 5;

/** Earlier versions answered the code in `why` only, as "code: message". */
const codeOf = ({ code, why }: DrainedChannel): string | undefined => code ?? why?.split(':')[0];

/** Watches encoders that were upgraded, against those that were not. */
export class Soak {
  private readonly startedAtMs = Date.now();
  private asked = 0;

  constructor(
    private readonly state: RolloutState,
    private readonly options: {
      say: (detail: string) => void;
      /** Resolves where people say to go on. */
      ask: (why: string) => Promise<void>;
    },
  ) {}

  /** Resolves when the next encoder may follow. @throws what the rollout goes back for */
  async run(batch: readonly RolloutEncoder[]): Promise<void> {
    const canary = batch.find(({ wave, status }) => wave === 'canary' && status === 'upgraded');
    if (canary) await this.judgeCanary(canary);
    else await this.watch();
  }

  private async judgeCanary(canary: RolloutEncoder): Promise<void> {
    const { state } = this;
    const { soakSeconds, askAfterSeconds } = state.request.policy;
    for (;;) {
      await this.bringChannelsTo(canary);
      if (canary.status === 'gone') break;
      const isGood = await this.compare({ untilGood: this.seconds >= soakSeconds });
      if (isGood && this.seconds >= soakSeconds) break;
      if (this.seconds < askAfterSeconds) continue;
      await this.options.ask(
        `no verdict after ${Math.round(this.seconds)} s: ${state.verdict ? verdictInWords(state.verdict) : 'nothing was compared'}`,
      );
      break;
    }
    await retryFor6h.requestUncordon.executeWithOptions({ summary: `${canary.encoderId} takes any work` }, [
      { encoderId: canary.encoderId, requestedBy: state.workflowId },
    ]);
  }

  private async watch(): Promise<void> {
    const { soakSeconds } = this.state.request.policy;
    while (this.seconds < soakSeconds) await this.compare({ untilGood: false, atMost: soakSeconds });
  }

  private get seconds(): number {
    return (Date.now() - this.startedAtMs) / 1000;
  }

  /** The canary's channels, also those that it has lost meanwhile: it must be seen at work. */
  private async bringChannelsTo(canary: RolloutEncoder): Promise<void> {
    const { state } = this;
    const { encoderId } = canary;
    const there = await twoTries4s.channelsOn
      .executeWithOptions({ summary: `what ${encoderId} carries` }, [{ encoderId }])
      .catch((error: unknown) => {
        if (isCancellation(error)) throw error;
        return state.canaryChannels;
      });
    for (const channelId of state.canaryChannels.filter((id) => !there.includes(id))) {
      this.asked += 1;
      const answer = await threeTries60s.moveAndWait.executeWithOptions(
        { summary: `${channelId} to the canary ${encoderId}` },
        [
          {
            channelId,
            request: {
              requestId: `${state.runId}-canary-${channelId}-${this.startedAtMs}-${this.asked}`,
              reason: 'canary',
              toEncoderId: encoderId,
              requestedBy: state.workflowId,
              requestedAtMs: Date.now(),
            },
          },
        ],
      );
      if (answer.moved) state.canaryAtMs ??= Date.now();
      else if (codeOf(answer) === 'unknown-encoder') canary.status = 'gone';
      else this.options.say(`${channelId} is not on ${encoderId} yet: ${answer.why ?? 'unknown'}`);
    }
  }

  /** @returns whether the build is good so far */
  private async compare({ untilGood, atMost = Infinity }: { untilGood: boolean; atMost?: number }) {
    const { state } = this;
    const reference = state.encoders[0]?.from as InstalledBuild;
    const seconds = Math.min(TURN_SECONDS, Math.max(1, atMost - this.seconds));
    const { evidence, verdict } = await retryFor3min.compareBuilds.executeWithOptions(
      { summary: `${state.request.buildId} against ${reference.buildId}` },
      [
        {
          soakId: `${state.runId}/${this.startedAtMs}`,
          build: state.build as InstalledBuild,
          reference,
          policy: state.request.policy,
          evidence: state.evidence,
          seconds,
          untilGood,
        },
      ],
    );
    Object.assign(state, { evidence, verdict });
    this.options.say(verdictInWords(verdict));
    if (verdict.outcome === 'worse') throw new RollbackRequested(rollbackAfter(verdict));
    return verdict.outcome === 'good';
  }
}
