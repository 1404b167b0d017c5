import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Damage } from '../../contracts/health';
import type { InputFacts, SourceChannel } from '../../contracts/source';
import type { InputSwitchRequest } from '../../contracts/source-standby';
import {
  SwarmError,
  hasStandby,
  mapStandby,
  requireStandbyFits,
  type InputChoice,
  type UrlInput,
} from '../../domain';
import { storageRefusal } from '../../platform/durable-file';
import { OpenFiles } from '../../platform/open-files';
import { SerialQueue } from '../../platform/serial-queue';
import { SharedBudget } from '../../platform/shared-budget';
import { Slots } from '../../platform/slots';
import type { StorageHealth } from '../../platform/storage-health';
import { ChannelFeeder } from './channel-feeder';
import { ChannelListFile } from './channel-list-file';
import { checkTiming, wishesOf, type InputTools } from './contribution-inputs';
import { MAX_SPOOL_BYTES } from './contribution-spool';
import type { Feeder } from './feeder';
import { startingWith, type Look } from './input-look';
import { factsOf, planInput } from './input-plan';
import {
  isFileInput,
  requireAllowedInput,
  requireSlateAddress,
  toldPlainly,
  type InputRules,
} from './input-policy';
import type { KeptChannel, SourceChannelSpec } from './kept-channel';
import { listeningKindOf } from './listening';
import { probeInput, type ProbedInput } from './probe';
import { isPush } from './senders';
import { forgetSlatesBut, slateFile } from './slate';
import { StandbyFeeder } from './standby-feeder';
import { legIdsOf, openLegs, rulesOf, urlInputsOf } from './standby-legs';
import type { Timelines } from './timelines';

/** How long PUT waits for what an input is. One that takes longer is taken on, and tried until it answers. */
const LOOK_WAIT_MS = 8_000;
/** How long PUT waits for the first media. A generated picture is there at once; a live URL must be opened. */
const SENDING_WAIT_MS = { generated: 4_000, url: 10_000, awaited: 1_500 };

const LIST = 'the list of channels';
/** The contribution, its next one, and the pipes of an ffmpeg with a decoder or two. */
const FILES_OF_CHANNEL = 8;
/** An input of which less is held would lose pictures at the shortest absence of the relay. */
const LEAST_HELD_BYTES = 8 * 2 ** 20;
/** Whole URLs that wait for their channel. */
const MAX_WHOLE_URLS = 1_000;
/** ffprobe processes at the same time, and callers that wait for their turn. */
const PROBES = { atOnce: 8, waiting: 64 };

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

/** A channel as it is kept over a restart. */
const keptOf = (feeder: Feeder): KeptChannel => ({
  ...feeder.spec,
  ...(feeder instanceof StandbyFeeder && wantedOf(feeder)),
});

/** What operators have asked for. */
type Wanted = Pick<KeptChannel, 'wish' | 'planned'>;

const wantedOf = (feeder: Feeder | undefined): Wanted => {
  if (!(feeder instanceof StandbyFeeder)) return {};
  const planned = feeder.planned.list;
  return { ...(feeder.wish && { wish: feeder.wish }), ...(planned.length > 0 && { planned }) };
};

/** All channels that a source brings to the relay. */
export class SourceChannels {
  private readonly feeders = new Map<string, Feeder>();
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
    private readonly stateDir: string,
    private readonly timelines: Timelines,
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
    for (const { wish, planned, ...spec } of channels) this.feed(spec, null, { wish, planned });
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
    const spec = await this.whole(given);
    checkTiming(spec);
    requireStandbyFits(spec);
    for (const { url } of urlInputsOf(spec)) this.tools.senders.requirePushAddress(url, spec.id);
    if (!this.feeders.has(spec.id)) this.files.admit(this.feeders.size);
    const isKnown = (): boolean => isDeepStrictEqual(this.feeders.get(spec.id)?.spec, spec);
    const slate = spec.standby?.slate;
    if (slate !== undefined && slate !== 'plain') requireSlateAddress(slate.url);
    await this.requireAllowed(spec);
    if (!mayBeAway && !isKnown()) await this.requireUsable(spec);
    // Outside of the queue: a slow input must not hold up the other channels.
    const waits = spec.input.kind === 'url' && (await listeningKindOf(spec.input.url)) !== null;
    const looked =
      spec.input.kind === 'url' && !mayBeAway && !waits && !isKnown()
        ? await this.lookAt(spec.input.url)
        : null;
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
        const places = spec.input.kind === 'url' ? legIdsOf(spec) : [];
        for (const place of places) this.budget.admit(place);
        await known?.stop();
        if (known) this.releaseAllBut(known.spec, places);
        for (const { url } of known ? urlInputsOf(known.spec) : [])
          if (isPush(url)) this.tools.senders.forget(url);
        const fresh = this.feed(spec, looked, wantedOf(known));
        await this.save();
        return fresh;
      })
      .catch((error: unknown) => {
        looked?.giveUp();
        throw error;
      });
    if (mayBeAway || looked?.isLate) return feeder.info;
    const waitMs = waits ? SENDING_WAIT_MS.awaited : SENDING_WAIT_MS[spec.input.kind];
    const isSending = await feeder.untilSending(waitMs);
    if (!isSending && spec.input.kind === 'generated') throw notSending(feeder.info);
    return feeder.info;
  }

  /**
   * What an input is, and how it would be carried.
   * @throws SwarmError bad-request, input-not-video, unavailable while too many inputs are looked at
   */
  async look(url: string, choice?: InputChoice): Promise<InputFacts> {
    await requireAllowedInput(url, this.rules, this.tools.log);
    const kind = await listeningKindOf(url);
    const probed = kind ? await this.tools.senders.look(url, kind) : await this.probe(url);
    return factsOf(planInput(probed, null, { choice }));
  }

  /** Takes the whole URL of an input that is about to be added. Kept with its channel; until then in memory alone. */
  keepInput(ref: string, url: string): void {
    this.wholeUrls.set(ref, url);
    for (const oldest of this.wholeUrls.keys()) {
      if (this.wholeUrls.size <= MAX_WHOLE_URLS) break;
      this.wholeUrls.delete(oldest);
    }
  }

  /** With the URLs that its inputs are opened by. @throws SwarmError not-found where their secrets are not known here */
  private async whole(spec: SourceChannelSpec): Promise<SourceChannelSpec> {
    const { id, input, standby } = spec;
    return {
      ...spec,
      input: input.kind === 'url' ? this.wholeInput(id, input) : input,
      ...(standby && { standby: await mapStandby(standby, (each) => this.wholeInput(id, each)) }),
    };
  }

  /** @throws SwarmError not-found */
  private wholeInput(id: string, input: UrlInput): UrlInput {
    if (input.secretRef === undefined) return input;
    const kept = this.inputsOf(id).find(({ secretRef }) => secretRef === input.secretRef);
    const url = kept?.url ?? this.wholeUrls.get(input.secretRef);
    if (url !== undefined) return { ...input, url };
    throw new SwarmError(
      'not-found',
      `The secrets of an input of ${id} (${input.url}) are not known here any more.`,
      'Remove the channel and add it again, with the whole URL.',
    );
  }

  /** Those that a channel has now. */
  private inputsOf(id: string): UrlInput[] {
    const feeder = this.feeders.get(id);
    return feeder ? urlInputsOf(feeder.spec) : [];
  }

  /** An input that the channel has already was allowed before. @throws SwarmError bad-request */
  private async requireAllowed(spec: SourceChannelSpec): Promise<void> {
    const kept = new Set(this.inputsOf(spec.id).map(({ url }) => url));
    for (const { url } of urlInputsOf(spec))
      if (!kept.has(url)) await requireAllowedInput(url, this.rules, this.tools.log);
  }

  /**
   * What stands by may be away, but a file is there or it is not, and a slate is made before it is needed.
   * @throws SwarmError input-not-video
   */
  private async requireUsable(spec: SourceChannelSpec): Promise<void> {
    const { backups = [], slate } = spec.standby ?? {};
    for (const { url, choice } of backups)
      if (isFileInput(url)) planInput(await this.probe(url), spec.framesPerSecond, { choice });
    if (slate !== undefined)
      await slateFile(slate, spec, { ffmpeg: this.tools.ffmpeg, stateDir: this.stateDir });
  }

  private releaseAllBut(spec: SourceChannelSpec, kept: readonly string[]): void {
    for (const place of legIdsOf(spec)) if (!kept.includes(place)) this.budget.release(place);
  }

  /**
   * Puts another input of a channel on air, now or at a moment to come.
   * @throws SwarmError unknown-channel, not-found, conflict for a channel with one input; bad-request for a moment that
   * is over, at-capacity-limit
   */
  switchInput(id: string, request: InputSwitchRequest): Promise<SourceChannel> {
    return this.changeStandby(id, (feeder) => feeder.switchTo(request));
  }

  /** Forgets the switches that are planned. @throws SwarmError unknown-channel, conflict for a channel with one input */
  cancelSwitches(id: string): Promise<SourceChannel> {
    return this.changeStandby(id, (feeder) => feeder.planned.clear());
  }

  private changeStandby(id: string, change: (feeder: StandbyFeeder) => void): Promise<SourceChannel> {
    return this.changes.run(async () => {
      const feeder = this.feeders.get(id);
      if (!feeder)
        throw new SwarmError('unknown-channel', `The source brings no channel ${id}.`, 'Add it first.');
      if (!(feeder instanceof StandbyFeeder))
        throw new SwarmError(
          'conflict',
          `${id} has one input.`,
          'Give it a backup or a slate first: encoder-swarm channel update.',
        );
      change(feeder);
      await this.save();
      return feeder.info;
    });
  }

  /** Ends a channel; idempotent. */
  remove(id: string): Promise<void> {
    return this.changes.run(async () => {
      const feeder = this.feeders.get(id);
      if (!feeder) return;
      this.feeders.delete(id);
      await feeder.stop();
      await this.timelines.forget(id);
      this.releaseAllBut(feeder.spec, []);
      for (const { url } of urlInputsOf(feeder.spec)) if (isPush(url)) this.tools.senders.forget(url);
      await this.save();
    });
  }

  /** Ends all contributions; the list stays for the next run. */
  async stop(): Promise<void> {
    for (const giveUp of this.looks) giveUp();
    await Promise.all([...this.feeders.values()].map((feeder) => feeder.stop()));
    await this.timelines.close();
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
      .catch(async (error: unknown) => {
        throw await toldPlainly(error, url, log);
      });
  }

  private feed(spec: SourceChannelSpec, looked: Look | null, wanted: Wanted): Feeder {
    const feeder = hasStandby(spec.standby)
      ? this.standbyFeeder(spec, looked, wanted)
      : this.plainFeeder(spec, looked);
    this.feeders.set(spec.id, feeder);
    for (const { url } of urlInputsOf(spec)) if (isPush(url)) this.tools.senders.expect(url);
    return feeder;
  }

  private plainFeeder(spec: SourceChannelSpec, looked: Look | null): ChannelFeeder {
    const { tools, budget } = this;
    if (spec.input.kind === 'url') budget.hold(spec.id);
    return new ChannelFeeder({
      ...{ spec, timeline: this.timelines.of(spec), ffmpeg: tools.ffmpeg, log: tools.log },
      startInput: startingWith(looked, spec, tools),
      heldBytes: () => budget.shareBytes,
      waits: async () => spec.input.kind === 'url' && (await listeningKindOf(spec.input.url)) !== null,
      onStop: () => looked?.giveUp(),
    });
  }

  private standbyFeeder(spec: SourceChannelSpec, looked: Look | null, wanted: Wanted): StandbyFeeder {
    const { tools, budget, stateDir } = this;
    for (const place of legIdsOf(spec)) budget.hold(place);
    const startPrimary = startingWith(looked, spec, tools);
    return new StandbyFeeder({
      ...{ spec, ...wanted, timeline: this.timelines.of(spec), log: tools.log },
      openLegs: (on) =>
        openLegs(spec, { ...tools, stateDir }, { ...on, startPrimary, heldBytes: () => budget.shareBytes }),
      rules: rulesOf(spec),
      onStop: () => looked?.giveUp(),
    });
  }

  /** @throws SwarmError storage-full, or unavailable; the channels go on, and the next change writes them all */
  private async save(): Promise<void> {
    const channels = [...this.feeders.values()];
    try {
      await this.file.save(channels.map(keptOf));
      this.unsaved = false;
      this.health.succeeded(LIST);
      await forgetSlatesBut(
        channels.map(({ spec }) => spec),
        this.stateDir,
      );
    } catch (error) {
      this.unsaved = true;
      this.health.failed(LIST, error);
      throw storageRefusal(error, LIST) ?? error;
    }
  }
}
