import type { Client } from '@temporalio/client';
import type { OriginChannel } from '../contracts/origin';
import type { RelayChannel, RelayClient } from '../contracts/relay';
import {
  channelControl,
  channelWorkflowId,
  type ChannelWorkflowState,
  type EncoderObservation,
  type Evidence,
  type InstalledBuild,
  type RolloutPolicy,
} from '../domain';
import { ticksToMs } from '../domain/media-time';
import type { GopQuality } from '../media/quality';
import { withinOrNull } from '../platform/deadline';
import { addComparison } from '../versions';
import { changesSince, wasLost, type SeenOwners, readingOf, type ChannelMoment } from '../versions';
import { deadlinesMs } from './deadlines';
import type { EncoderProbe } from './encoder-probe';
import { freshOrNull } from './kept-reading';
import type { PartReadings } from './part-readings';

/** Compares the encoders that run a new build with those that do not, moment by moment. Kept over one soak. */
export class BuildComparer {
  private before: SeenOwners | null = null;
  private moments = 0;
  private sampledChannels = 0;

  constructor(
    private readonly options: {
      probe: EncoderProbe;
      readings: Pick<PartReadings, 'origin' | 'relay'>;
      relay: Pick<RelayClient, 'sealed' | 'gopDurationTicks'>;
      quality: GopQuality;
      temporal: () => Client;
      build: InstalledBuild;
      /** The build that the new one is measured against, GOP by GOP. */
      reference: InstalledBuild;
      policy: RolloutPolicy;
    },
  ) {}

  /** Looks once, and adds what both builds show to the evidence. Parts that are silent leave a reading out. */
  async compare(evidence: Evidence, signal: AbortSignal): Promise<Evidence> {
    const { probe, readings, build, policy } = this.options;
    const [encoders, channels, relayChannels] = await Promise.all([
      probe.observe({}, () => 0, { deadlineMs: deadlinesMs.observe, fresh: true }),
      readings.origin.now().then(freshOrNull),
      readings.relay.now().then(freshOrNull),
    ]);
    if (channels === null || relayChannels === null) return evidence;
    this.moments += 1;
    const isNew = (encoder: EncoderObservation): boolean => encoder.buildDigest === build.digest;
    const groups = [encoders.filter(isNew), encoders.filter((encoder) => !isNew(encoder))] as const;
    const [moments, losses] = await Promise.all([
      this.momentsOf(channels, relayChannels, signal),
      this.lossesSince(encoders, channels),
    ]);
    const [newBuild, oldBuild] = groups.map((group) => readingOf(group, moments, losses));
    if (!newBuild || !oldBuild) return evidence;
    if (this.moments % policy.qualityEvery === 0) {
      const sampled = await this.sampleQuality(groups[0], channels, signal);
      newBuild.quality = sampled?.newDb ?? null;
      oldBuild.quality = sampled?.oldDb ?? null;
    }
    return addComparison(evidence, newBuild, oldBuild, policy);
  }

  private momentsOf(
    channels: readonly OriginChannel[],
    relayChannels: readonly RelayChannel[],
    signal: AbortSignal,
  ): Promise<ChannelMoment[]> {
    const { relay } = this.options;
    const atRelay = new Map(relayChannels.map((channel) => [channel.id, channel]));
    const momentOf = async ({ id, owner, nextGop }: OriginChannel): Promise<ChannelMoment[]> => {
      const known = atRelay.get(id);
      if (!owner || !known) return [];
      const moment = { channelId: id, encoderId: owner.encoderId };
      if ((known.lastSealedGop ?? -1) < nextGop) return [{ ...moment, waitingGops: 0 }];
      const options = { timeoutMs: deadlinesMs.observe, signal };
      const waiting = await withinOrNull(
        deadlinesMs.observe,
        Promise.all([relay.sealed(id, nextGop, options), relay.gopDurationTicks(id, options)]),
      );
      if (waiting === null) return [];
      const [{ sealedAtMs }, gopDurationTicks] = waiting;
      return [{ ...moment, waitingGops: (Date.now() - sealedAtMs) / ticksToMs(gopDurationTicks) }];
    };
    return Promise.all(channels.map(momentOf)).then((moments) => moments.flat());
  }

  /** Encoders that fell silent, or that lost a channel otherwise than by a planned move. */
  private async lossesSince(
    encoders: readonly EncoderObservation[],
    channels: readonly OriginChannel[],
  ): Promise<Set<string>> {
    const { before } = this;
    const now: SeenOwners = {
      owners: new Map(channels.flatMap(({ id, owner }) => (owner ? [[id, owner] as const] : []))),
      reachable: new Set(encoders.filter((e) => e.reachable).map((e) => e.id)),
    };
    this.before = now;
    if (!before) return new Set();
    const { silent, replaced } = changesSince(before, now);
    const lost = await Promise.all(
      replaced.map(async ({ channelId, encoderId }) => {
        const state = await withinOrNull(deadlinesMs.observe, this.stateOf(channelId));
        return state && wasLost(state, encoderId) ? [encoderId] : [];
      }),
    );
    return new Set([...silent, ...lost.flat()]);
  }

  /** One channel of the new build after the other. */
  private async sampleQuality(
    encoders: readonly EncoderObservation[],
    channels: readonly OriginChannel[],
    signal: AbortSignal,
  ): Promise<{ newDb: number; oldDb: number } | null> {
    const ids = new Set(encoders.map((encoder) => encoder.id));
    const candidates = channels.filter(({ owner }) => owner && ids.has(owner.encoderId));
    const channel = candidates[this.sampledChannels % Math.max(1, candidates.length)];
    if (!channel?.owner) return null;
    this.sampledChannels += 1;
    const state = await withinOrNull(deadlinesMs.observe, this.stateOf(channel.id));
    if (!state) return null;
    const { quality, reference } = this.options;
    return quality.measure({ spec: state.spec, channel, reference, signal });
  }

  private stateOf(channelId: string): Promise<ChannelWorkflowState> {
    return this.options
      .temporal()
      .workflow.getHandle(channelWorkflowId(channelId))
      .query<ChannelWorkflowState>(channelControl.state);
  }
}
