import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Damage } from '../../contracts/health';
import type { InputFacts, SourceChannel } from '../../contracts/source';
import { SwarmError, type InputChoice } from '../../domain';
import { storageRefusal } from '../../platform/durable-file';
import { OpenFiles } from '../../platform/open-files';
import { SerialQueue } from '../../platform/serial-queue';
import { SharedBudget } from '../../platform/shared-budget';
import { Slots } from '../../platform/slots';
import type { StorageHealth } from '../../platform/storage-health';
import { ChannelFeeder } from './channel-feeder';
import { ChannelListFile } from './channel-list-file';
import { checkTiming, startInputOf, wishesOf, type InputTools, type StartInput } from './contribution-inputs';
import { MAX_SPOOL_BYTES } from './contribution-spool';
import { factsOf, planInput } from './input-plan';
import { requireAllowedInput, toldPlainly, type InputRules } from './input-policy';
import type { SourceChannelSpec } from './kept-channel';
import { probeInput, type ProbedInput } from './probe';
import type { RelayLink } from './relay-link';

/** How long PUT waits for what an input is. One that takes longer is taken on, and tried until it answers. */
const LOOK_WAIT_MS = 8_000;
/** How long PUT waits for the first media. A generated picture is there at once; a live URL must be opened. */
const SENDING_WAIT_MS = { generated: 4_000, url: 10_000 };

const LIST = 'the list of channels';
/** The contribution, its next one, and the pipes of an ffmpeg with a decoder or two. */
const FILES_OF_CHANNEL = 8;
/** An input of which less is held would lose pictures at the shortest absence of the relay. */
const LEAST_HELD_BYTES = 8 * 2 ** 20;
/** Whole URLs that wait for their channel. */
const MAX_WHOLE_URLS = 1_000;
/** ffprobe processes at the same time, and callers that wait for their turn. */
const PROBES = { atOnce: 8, waiting: 64 };

/** An input that is being looked at, or was. */
interface Look {
  probed: Promise<ProbedInput>;
  /** It has not said what it is in the time that PUT waits. */
  isLate: boolean;
  giveUp: () => void;
}

/** Starts the input; the first time with what a look at it finds, however late. */
const startingWith = (looked: Look | null, spec: SourceChannelSpec, tools: InputTools): StartInput => {
  let first = looked;
  const again = startInputOf(spec, tools);
  return async (nextGop, signal, onFrames) => {
    const look = first;
    if (!look) return again(nextGop, signal, onFrames);
    first = null;
    return startInputOf(spec, tools, await look.probed)(nextGop, signal, onFrames);
  };
};

const slowReplacement = (id: string): SwarmError =>
  new SwarmError(
    'timeout',
    `The new input of ${id} did not answer within ${LOOK_WAIT_MS / 1000} s; ${id} keeps the one that it has.`,
    'Ask again once the input answers.',
  );

const notSending = ({ id, error }: SourceChannel): SwarmError =>
  new SwarmError(
    'timeout',
    `Channel ${id} does not send yet${error === undefined ? '.' : `: ${error}`}`,
    'Ask again. If it stays so, see the logs of source and relay.',
  );

/** All channels that a source brings to the relay. */
export class SourceChannels {
  private readonly feeders = new Map<string, ChannelFeeder>();
  private readonly file: ChannelListFile;
  private readonly budget: SharedBudget;
  private readonly files: OpenFiles;
  private readonly probes = new Slots('inputs are looked at', PROBES);
  /** What of the last run it goes on without. */
  damaged: Damage[] = [];
  /** The disk has refused the list as it is now. */
  private unsaved = false;
  /** Serialises changes of the list, so that the file and the feeders agree. */
  private readonly changes = new SerialQueue('source');
  /** By `secretRef`: whole URLs of inputs that were handed over. */
  private readonly wholeUrls = new Map<string, string>();
  /** Ends the looks at inputs that go on. */
  private readonly looks = new Set<() => void>();

  constructor(
    stateDir: string,
    private readonly relay: RelayLink,
    private readonly health: StorageHealth,
    private readonly tools: InputTools,
    { memoryBytes, openFiles }: { memoryBytes: number; openFiles?: number | undefined },
    private readonly rules: InputRules,
  ) {
    this.budget = new SharedBudget({
      what: 'memory of the source for live inputs',
      totalBytes: memoryBytes,
      mostBytes: MAX_SPOOL_BYTES,
      leastBytes: LEAST_HELD_BYTES,
      variable: 'SWARM_SOURCE_MEMORY_MIB',
    });
    this.files = new OpenFiles({ part: 'the source', total: openFiles, perChannel: FILES_OF_CHANNEL });
    this.file = new ChannelListFile(stateDir);
  }

  /**
   * Takes up the channels of the last run, before any change: a change would write a list without them. What can't be
   * read is named in `damaged`.
   */
  async resume(): Promise<void> {
    const { channels, damaged } = await this.file.load();
    for (const spec of channels) this.feed(spec);
    this.damaged = damaged.map((message) => ({
      what: 'a part of its list of channels',
      message: `${message}.`,
      hint: 'Add the channels again that `encoder-swarm status` does not show.',
    }));
    for (const message of damaged) this.tools.log.error({ message }, 'the list of channels is damaged');
    // A disk that refuses is told of; the channels go on without.
    if (damaged.length > 0) await this.save().catch(() => undefined);
  }

  list(): SourceChannel[] {
    return [...this.feeders.values()].map((feeder) => feeder.info);
  }

  /**
   * Brings a channel to the relay, in place of what it brought before; idempotent. Answers once it sends, or once it is
   * clear that its input is slow: that is tried until it answers. With `mayBeAway`, its input is not looked at before,
   * and it answers at once.
   * @throws SwarmError bad-request, input-not-video, at-capacity-limit, unavailable while too many inputs are looked at,
   * timeout where a slow input would take the place of another (nothing is changed); timeout where a generated picture
   * does not reach the relay (it keeps trying)
   */
  async put(
    given: SourceChannelSpec,
    { mayBeAway }: { mayBeAway: boolean } = { mayBeAway: false },
  ): Promise<SourceChannel> {
    const spec = this.whole(given);
    checkTiming(spec);
    if (!this.feeders.has(spec.id)) this.files.admit(this.feeders.size);
    const isKnown = (): boolean => isDeepStrictEqual(this.feeders.get(spec.id)?.spec, spec);
    await this.requireAllowed(spec);
    // Outside of the queue: a slow input must not hold up the other channels.
    const looked =
      spec.input.kind === 'url' && !mayBeAway && !isKnown() ? await this.lookAt(spec.input.url) : null;
    const feeder = await this.changes
      .run(async () => {
        const known = this.feeders.get(spec.id);
        if (known && isKnown()) {
          if (this.unsaved) await this.save();
          return known;
        }
        if (known && looked?.isLate) throw slowReplacement(spec.id);
        if (!known) this.files.admit(this.feeders.size);
        // Refused before anything is changed, where it has not what was chosen.
        if (looked && !looked.isLate) planInput(await looked.probed, spec.framesPerSecond, wishesOf(spec));
        if (spec.input.kind === 'url') this.budget.admit(spec.id);
        await known?.stop();
        if (spec.input.kind !== 'url') this.budget.release(spec.id);
        const fresh = this.feed(spec, looked);
        await this.save();
        return fresh;
      })
      .catch((error: unknown) => {
        looked?.giveUp();
        throw error;
      });
    if (mayBeAway || looked?.isLate) return feeder.info;
    const isSending = await feeder.untilSending(SENDING_WAIT_MS[spec.input.kind]);
    if (!isSending && spec.input.kind === 'generated') throw notSending(feeder.info);
    return feeder.info;
  }

  /**
   * What an input is, and how it would be carried.
   * @throws SwarmError bad-request, input-not-video, unavailable while too many inputs are looked at
   */
  async look(url: string, choice?: InputChoice): Promise<InputFacts> {
    await requireAllowedInput(url, this.rules, this.tools.log);
    return factsOf(planInput(await this.probe(url), null, { choice }));
  }

  /** Takes the whole URL of an input that is about to be added. Kept with its channel; until then in memory alone. */
  keepInput(ref: string, url: string): void {
    this.wholeUrls.set(ref, url);
    for (const oldest of this.wholeUrls.keys()) {
      if (this.wholeUrls.size <= MAX_WHOLE_URLS) break;
      this.wholeUrls.delete(oldest);
    }
  }

  /** With the URL that its input is opened by. @throws SwarmError not-found where its secrets are not known here */
  private whole(spec: SourceChannelSpec): SourceChannelSpec {
    const { input } = spec;
    if (input.kind !== 'url' || input.secretRef === undefined) return spec;
    const kept = this.feeders.get(spec.id)?.spec.input;
    const isKept = kept?.kind === 'url' && kept.secretRef === input.secretRef;
    const url = isKept ? kept.url : this.wholeUrls.get(input.secretRef);
    if (url === undefined)
      throw new SwarmError(
        'not-found',
        `The secrets of the input of ${spec.id} (${input.url}) are not known here any more.`,
        'Remove the channel and add it again, with the whole URL.',
      );
    return { ...spec, input: { ...input, url } };
  }

  /** An input that the channel has already was allowed before. @throws SwarmError bad-request */
  private async requireAllowed({ id, input }: SourceChannelSpec): Promise<void> {
    const kept = this.feeders.get(id)?.spec.input;
    if (input.kind !== 'url' || (kept?.kind === 'url' && kept.url === input.url)) return;
    await requireAllowedInput(input.url, this.rules, this.tools.log);
  }

  /** Ends a channel; idempotent. */
  remove(id: string): Promise<void> {
    return this.changes.run(async () => {
      const feeder = this.feeders.get(id);
      if (!feeder) return;
      this.feeders.delete(id);
      await feeder.stop();
      this.budget.release(id);
      await this.save();
    });
  }

  /** Ends all contributions; the list stays for the next run. */
  async stop(): Promise<void> {
    for (const giveUp of this.looks) giveUp();
    await Promise.all([...this.feeders.values()].map((feeder) => feeder.stop()));
  }

  /** Looks at an input for as long as PUT waits; what takes longer goes on. @throws SwarmError input-not-video, unavailable */
  private async lookAt(url: string): Promise<Look> {
    const ending = new AbortController();
    const giveUp = (): void => ending.abort();
    this.looks.add(giveUp);
    const probed = this.probe(url, ending.signal).finally(() => this.looks.delete(giveUp));
    const waited = setTimeout(LOOK_WAIT_MS, true, { ref: false });
    const isLate = await Promise.race([probed.then(() => false), waited]);
    return { probed, isLate, giveUp };
  }

  private probe(url: string, signal?: AbortSignal): Promise<ProbedInput> {
    const { ffprobe, log } = this.tools;
    return this.probes
      .run(() => probeInput(ffprobe, url, signal))
      .catch((error: unknown) => {
        throw toldPlainly(error, url, log);
      });
  }

  private feed(spec: SourceChannelSpec, looked: Look | null = null): ChannelFeeder {
    const { relay, tools, budget } = this;
    if (spec.input.kind === 'url') budget.hold(spec.id);
    const startInput = startingWith(looked, spec, tools);
    const feeder = new ChannelFeeder({
      ...{ spec, startInput, relay, ffmpeg: tools.ffmpeg, log: tools.log },
      heldBytes: () => budget.shareBytes,
      // It may be stopped before it comes to its input.
      onStop: () => looked?.giveUp(),
    });
    this.feeders.set(spec.id, feeder);
    return feeder;
  }

  /** @throws SwarmError storage-full, or unavailable; the channels go on, and the next change writes them all */
  private async save(): Promise<void> {
    try {
      await this.file.save([...this.feeders.values()].map((feeder) => feeder.spec));
      this.unsaved = false;
      this.health.succeeded(LIST);
    } catch (error) {
      this.unsaved = true;
      this.health.failed(LIST, error);
      throw storageRefusal(error, LIST) ?? error;
    }
  }
}
