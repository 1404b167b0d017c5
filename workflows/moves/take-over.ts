import { isCancellation, sleep } from '@temporalio/workflow';
import type {
  ChannelFacts,
  PublishedGop,
  SwarmContext,
  TakenOver,
  TargetChoice,
  Trouble,
} from '../../activities';
import type { ChannelSpec } from '../../src/domain';
import { isOriginsFault } from '../../src/domain/errors';
import { ticksToMs } from '../../src/domain/media-time';
import { upsertAttributes } from '../kit/attributes';
import { causeOf } from '../kit/failures';
import { failFast60s, local8s } from '../kit/steps';
import type { Story } from '../kit/story';
import { sessionIdOf } from './move-result';

/** The first GOP comes from the relay's ring: only ffmpeg's start and the GOP itself take time. */
const PUBLISH_WITHIN_GOPS = 2.5;
const PUBLISH_WITHIN_AT_LEAST_MS = 8_000;
const FIRST_BACKOFF_MS = 200;
const LONGEST_BACKOFF_MS = 10_000;
/** Failed attempts after which the channel is shown as unresolved. */
const UNRESOLVED_AFTER_ATTEMPTS = 4;

export interface TakeOverInput {
  spec: ChannelSpec;
  cell: string;
  context: SwarmContext;
  rungs: number;
  /** Encoders not to be tried first: the lost one, and those that failed on the way. */
  exclude: string[];
  evidence: string;
  requestId: string;
  attempts: number;
}

export interface Placement {
  choice: TargetChoice;
  sessionId: string;
  taken: TakenOver;
  published: PublishedGop;
  troubles: Trouble[];
}

export interface TakeOverHooks {
  story: Story;
  /** Throws where the channel needs no recovery any more. */
  check: (facts: ChannelFacts) => void;
  /** Called between attempts; may continue as new. */
  beforeRetry: (attempts: number) => Promise<void>;
}

/**
 * Puts a channel that is off air onto some encoder that works, and does not give up: each attempt fences all
 * before it, so that at no time two sessions publish.
 */
export const takeOverElsewhere = async (
  input: TakeOverInput,
  { story, check, beforeRetry }: TakeOverHooks,
): Promise<Placement> => {
  const { spec, cell, context, rungs, evidence, requestId } = input;
  const troubles: Trouble[] = [];
  const releases: Promise<unknown>[] = [];
  let exclude = input.exclude;
  for (let attempt = input.attempts + 1; ; attempt += 1) {
    const sessionId = sessionIdOf(spec.id, attempt);
    let encoderId: string | undefined;
    try {
      const choice = await story.step(
        'chooseTarget',
        () =>
          local8s.chooseTarget.executeWithOptions(
            { summary: `the fittest encoder for ${spec.id}, attempt ${attempt}` },
            [{ cell, spec, context, rungs, exclude, sessionId, purpose: 'recovery' }],
          ),
        (done) => `${done.encoderId}, ${done.rungs} rung(s); ${done.explanation.summary}`,
      );
      check(choice.facts);
      encoderId = choice.encoderId;
      upsertAttributes({ encoder: encoderId });
      const taken = await story.step(
        'takeOver',
        () =>
          failFast60s.takeOver.executeWithOptions(
            { summary: `fence the old owner, start on ${choice.encoderId}` },
            [
              {
                spec,
                requestId: `${requestId}/own-${attempt}`,
                encoderId: choice.encoderId,
                sessionId,
                rungs: choice.rungs,
                facts: choice.facts,
                gapReason: evidence,
                ...(choice.discontinuity && { discontinuity: true }),
              },
            ],
          ),
        (done) => `token ${done.token}, from GOP ${done.firstGop}`,
      );
      const published = await story.step(
        'awaitPublished',
        () =>
          failFast60s.awaitPublished.executeWithOptions(
            { summary: `GOP ${taken.firstGop} from ${choice.encoderId}` },
            [
              {
                channelId: spec.id,
                gop: taken.firstGop,
                owner: { encoderId: choice.encoderId, sessionId },
                withinMs: Math.max(
                  PUBLISH_WITHIN_AT_LEAST_MS,
                  PUBLISH_WITHIN_GOPS * ticksToMs(spec.gopDurationTicks),
                ),
              },
            ],
          ),
        (done) =>
          done.published ? `GOP ${taken.firstGop} is on air` : 'the input is silent; the owner is ready',
      );
      await Promise.all(releases);
      return { choice, sessionId, taken, published, troubles };
    } catch (error) {
      if (isCancellation(error)) throw error;
      const cause = causeOf(error);
      if (cause.code === 'conflict' || cause.code === 'unknown-channel') throw error;
      if (encoderId !== undefined) {
        if (!isOriginsFault(cause)) {
          troubles.push({ encoderId, kind: 'handoff-failed', atMs: Date.now() });
          exclude = [...exclude, encoderId];
        }
        const failed = { encoderId, sessionId };
        // Fenced by the next attempt; a host that can't be reached keeps it until the control cycle finds it.
        releases.push(local8s.releaseSession(failed).catch(() => undefined));
      } else {
        // No encoder is left: all may be asked again, also the lost one, which may have restarted.
        exclude = [];
      }
      if (attempt >= UNRESOLVED_AFTER_ATTEMPTS) {
        story.say(`**unresolved** after ${attempt} attempts: ${cause.message}`);
        upsertAttributes({ outcome: 'unresolved' });
      }
      const backoffMs = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(attempt - 1, 10));
      await sleep(backoffMs, { summary: `before attempt ${attempt + 1} for ${spec.id}` });
      await beforeRetry(attempt);
    }
  }
};
