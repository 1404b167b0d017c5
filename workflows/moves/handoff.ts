import { CancellationScope, isCancellation, workflowInfo } from '@temporalio/workflow';
import type { Ownership, PreparedTarget, TargetChoice, Trouble } from '../../activities';
import type { MoveResult, Owner } from '../../src/domain';
import { ticksToMs } from '../../src/domain/media-time';
import { upsertAttributes } from '../kit/attributes';
import { Compensations } from '../kit/compensations';
import { causeOf, refusal } from '../kit/failures';
import { failFast60s, local8s, retryFor6h, threeTries60s } from '../kit/steps';
import { Story } from '../kit/story';
import type { HandoffInput } from '../kit/types';
import { emptyResult, finish, setOwner, sessionIdOf } from './move-result';
import { takeOverElsewhere } from './take-over';

/** How long the new owner may take to publish a GOP that the relay has sealed. */
const PUBLISH_WITHIN_GOPS = 2.5;

/**
 * Planned move of a running encode, make before break (saga). The target encodes along and holds its GOPs; the
 * change of owner at the origin is the commit point; the source goes on encoding, fenced, until the
 * target's first GOP is on air. Fails before the commit: the target is aborted, nothing moved. Fails after:
 * back to the source, which held its GOPs; or, where the source is gone too, forward to a third encoder.
 */
export const handoff = (input: HandoffInput): Promise<MoveResult> => new Handoff(input).run();

class Handoff {
  private readonly result: MoveResult;
  private readonly story: Story;
  private readonly compensations: Compensations;
  private readonly troubles: Trouble[] = [];
  private readonly sessionId: string;
  private isSourceGone = false;
  private prepared: PreparedTarget | undefined;

  constructor(private readonly input: HandoffInput) {
    const { spec, request } = input;
    this.result = emptyResult(input);
    this.story = new Story(`${spec.id}: ${request.reason}, asked for by ${request.requestedBy}`, Date.now());
    this.compensations = new Compensations(this.story);
    this.sessionId = sessionIdOf(spec.id, 1);
    if (request.explanation) this.story.say(request.explanation.summary);
  }

  async run(): Promise<MoveResult> {
    const { result, story } = this;
    let choice: TargetChoice;
    let source: Owner;
    try {
      choice = await this.chooseTarget();
      source = this.ownerOf(choice);
    } catch (error) {
      if (isCancellation(error)) throw error;
      return this.end(finish(result, story, 'refused', causeOf(error)));
    }
    const target: Owner = { encoderId: choice.encoderId, sessionId: this.sessionId };
    result.fromEncoderId = source.encoderId;
    result.toEncoderId = target.encoderId;
    result.explanation = this.input.request.explanation ?? choice.explanation;
    setOwner(result, source, choice.facts.token);
    upsertAttributes({ encoder: target.encoderId });
    try {
      const startedAtMs = await this.prepareTarget(target, choice);
      // From the commit point on the move is finished or undone, never left half-way.
      await CancellationScope.nonCancellable(() => this.changeOwner(source, target, choice, startedAtMs));
      return await this.end(finish(result, story, 'completed'));
    } catch (error) {
      return await this.undo(error, source, target);
    }
  }

  private chooseTarget(): Promise<TargetChoice> {
    const { cell, spec, context, rungs, request } = this.input;
    const { toEncoderId } = request;
    const summary = toEncoderId
      ? `may ${spec.id} go to ${toEncoderId}?`
      : `the fittest encoder for ${spec.id}`;
    return this.story.step(
      'chooseTarget',
      () =>
        local8s.chooseTarget.executeWithOptions({ summary }, [
          {
            cell,
            spec,
            context,
            rungs,
            exclude: [],
            sessionId: this.sessionId,
            purpose: 'handoff',
            ...(toEncoderId !== undefined && { toEncoderId }),
            ...(request.otherLadder && { otherLadder: true }),
          },
        ]),
      (done) => `${done.encoderId}; ${done.explanation.summary}`,
    );
  }

  private ownerOf({ facts }: TargetChoice): Owner {
    if (facts.owner) return facts.owner;
    throw refusal(
      'conflict',
      `${this.input.spec.id} is off air: there is no session to move.`,
      'The control cycle places the channel; ask again once it is on air.',
    );
  }

  /** Returns when the target began to encode. */
  private async prepareTarget(target: Owner, { facts }: TargetChoice): Promise<number> {
    const { spec, rungs } = this.input;
    // One GOP before the first that it may publish, to warm its rate control.
    const fromGop = Math.max(0, facts.oldestGop, facts.nextGop - 1);
    this.compensations.register('abortTarget', () => this.abort(target));
    const prepared = await this.story.step(
      'prepareTarget',
      () =>
        failFast60s.prepareTarget.executeWithOptions(
          { summary: `${target.encoderId} encodes in parallel, and holds its GOPs` },
          [{ spec, rungs, fromGop, ...target }],
        ),
      () => `${target.encoderId} has reached the live edge`,
    );
    this.result.preparedAtMs = prepared.atMs;
    this.prepared = prepared;
    return prepared.startedAtMs;
  }

  private async changeOwner(
    source: Owner,
    target: Owner,
    { facts, discontinuity }: TargetChoice,
    targetStartedAtMs: number,
  ): Promise<void> {
    const { result, story } = this;
    const { spec } = this.input;
    this.compensations.register('returnOwnership', () =>
      this.giveBack(source, target, facts.token, discontinuity),
    );
    const own = await story.step<Ownership>(
      'takeOwnership',
      () =>
        local8s.takeOwnership.executeWithOptions(
          { summary: `the commit point: ${target.encoderId} owns ${spec.id}` },
          [
            {
              channelId: spec.id,
              requestId: this.requestId('own'),
              expectToken: facts.token,
              owner: target,
              fromGop: facts.nextGop,
              ...(discontinuity && { discontinuity }),
              ...(this.prepared?.ownerSecretSha256 && {
                ownerSecretSha256: this.prepared.ownerSecretSha256,
              }),
            },
          ],
        ),
      (done) =>
        `token ${done.token}, from GOP ${done.firstGop}${discontinuity ? ', with a declared discontinuity' : ''}`,
    );
    result.committedAtMs = own.atMs;
    result.firstGop = own.firstGop;
    setOwner(result, target, own.token);
    await this.commit(target, own);
    await this.awaitPublished(target, own.firstGop);
    await this.releaseSource(source);
    const endedAtMs = result.releasedAtMs ?? Date.now();
    result.overlapGops = Math.max(0, endedAtMs - targetStartedAtMs) / ticksToMs(spec.gopDurationTicks);
  }

  private commit(owner: Owner, { token, firstGop }: Pick<Ownership, 'token' | 'firstGop'>): Promise<unknown> {
    return this.story.step('commitTarget', () =>
      local8s.commitTarget.executeWithOptions(
        { summary: `${owner.encoderId} publishes from GOP ${firstGop}` },
        [{ ...owner, token, firstGop }],
      ),
    );
  }

  private async awaitPublished(owner: Owner, gop: number): Promise<void> {
    const { spec } = this.input;
    const published = await this.story.step(
      'awaitPublished',
      () =>
        failFast60s.awaitPublished.executeWithOptions({ summary: `GOP ${gop} from ${owner.encoderId}` }, [
          {
            channelId: spec.id,
            gop,
            owner,
            withinMs: PUBLISH_WITHIN_GOPS * ticksToMs(spec.gopDurationTicks),
          },
        ]),
      (done) => (done.published ? `GOP ${gop} is on air` : 'the input is silent; the owner is ready'),
    );
    if (published.published) this.result.publishedAtMs = published.atMs;
  }

  /** A source that can't be reached is fenced all the same; the control cycle releases it when it is back. */
  private async releaseSource(source: Owner): Promise<void> {
    const released = await this.story
      .step('releaseSource', () =>
        local8s.releaseSession.executeWithOptions({ summary: `${source.encoderId} stops encoding` }, [
          source,
        ]),
      )
      .catch(() => null);
    if (released) this.result.releasedAtMs = released.atMs;
    else this.story.say(`${source.encoderId} is fenced; its session is left to the control cycle`);
  }

  private async undo(error: unknown, source: Owner, target: Owner): Promise<MoveResult> {
    const { result, story, compensations, troubles } = this;
    const cause = causeOf(error);
    story.say(`undoing, latest step first: ${cause.message}`);
    if (!isCancellation(error)) {
      troubles.push({ encoderId: target.encoderId, kind: 'handoff-failed', atMs: Date.now() });
    }
    await compensations.unwind();
    if (this.isSourceGone)
      return CancellationScope.nonCancellable(() => this.goForward(cause, source, target));
    const outcome = compensations.unresolved ? 'unresolved' : 'compensated';
    const finished = await this.end(finish(result, story, outcome, cause));
    if (isCancellation(error)) throw error;
    return finished;
  }

  /** Compensation of prepareTarget. A held session can't publish: one out of reach may wait for the control cycle. */
  private async abort(target: Owner): Promise<void> {
    await this.story
      .step('abortTarget', () =>
        threeTries60s.releaseSession.executeWithOptions({ summary: `${target.encoderId} stops encoding` }, [
          target,
        ]),
      )
      .catch(() =>
        this.story.say(`${target.encoderId} is silent; its held session is left to the control cycle`),
      );
  }

  /** Compensation of takeOwnership and commitTarget. */
  private async giveBack(
    source: Owner,
    target: Owner,
    tokenBefore: number,
    discontinuity = false,
  ): Promise<void> {
    const { spec } = this.input;
    const { granted } = await this.story.step(
      'returnOwnership',
      () =>
        retryFor6h.returnOwnership.executeWithOptions(
          { summary: `${source.encoderId} owns ${spec.id} again` },
          [
            {
              channelId: spec.id,
              requestId: this.requestId('return'),
              from: target,
              to: source,
              tokenBefore,
              ...(discontinuity && { discontinuity }),
            },
          ],
        ),
      (done) => (done.granted ? `token ${done.granted.token}` : 'somebody else owns the channel: left alone'),
    );
    if (!granted) return;
    setOwner(this.result, source, granted.token);
    try {
      await this.commit(source, granted);
      await this.awaitPublished(source, granted.firstGop);
    } catch {
      this.isSourceGone = true;
    }
  }

  private async goForward(cause: { message: string }, source: Owner, target: Owner): Promise<MoveResult> {
    const { cell, spec, context, rungs } = this.input;
    const { result, story, troubles } = this;
    story.say(`${source.encoderId} is gone too: forward to a third encoder`);
    troubles.push({ encoderId: source.encoderId, kind: 'crash', atMs: Date.now() });
    const {
      choice,
      sessionId,
      taken,
      published,
      troubles: more,
    } = await takeOverElsewhere(
      {
        spec,
        cell,
        context,
        rungs,
        exclude: [source.encoderId, target.encoderId],
        evidence: `handoff failed: ${cause.message}`.slice(0, 200),
        requestId: this.requestId('forward'),
        attempts: 1,
      },
      { story, check: () => undefined, beforeRetry: async () => undefined },
    );
    setOwner(result, { encoderId: choice.encoderId, sessionId }, taken.token);
    result.toEncoderId = choice.encoderId;
    result.rungs = choice.rungs;
    result.firstGop = taken.firstGop;
    result.committedAtMs = taken.atMs;
    result.publishedAtMs = published.published ? published.atMs : null;
    result.gapsDeclared = taken.gapsDeclared;
    troubles.push(...more);
    return this.end(finish(result, story, 'recovered'));
  }

  /** A move that can't be recorded has moved nevertheless. */
  private async end(finished: MoveResult): Promise<MoveResult> {
    const { cell } = this.input;
    const record = { cell, result: finished, troubles: this.troubles };
    await CancellationScope.nonCancellable(() => local8s.recordMove(record)).catch(() => undefined);
    return finished;
  }

  private requestId(step: string): string {
    const { workflowId, runId } = workflowInfo();
    return `${workflowId}/${runId}/${step}`;
  }
}
