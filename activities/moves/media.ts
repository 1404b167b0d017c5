import type { OriginClient } from '../../src/contracts/origin';
import type { RelayClient } from '../../src/contracts/relay';
import type { SourceClient } from '../../src/contracts/source';
import { channelSpecSchema, type AddChannelOptions, type ChannelSpec } from '../../src/domain';
import { parseOrRefuse } from '../../src/platform/http';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';

const RELEASE_DEADLINE_MS = 1_500;

/** The parts that a channel's pictures pass, in the order in which it is removed: what brings pictures ends first. */
interface MediaPath {
  source: SourceClient;
  relay: RelayClient;
  origin: OriginClient;
}

type PartName = keyof MediaPath;
const removalOrder = ['source', 'relay', 'origin'] as const satisfies readonly PartName[];

const registerEverywhere = async (
  { relay, origin, source }: MediaPath,
  spec: ChannelSpec,
  { inputMayBeAway }: AddChannelOptions,
  signal: AbortSignal,
): Promise<ChannelSpec> => {
  await relay.register(spec);
  await origin.register(spec);
  // The source refuses what is no video. An input that is slow, or breaks off, is tried again, and named as a problem.
  await source.register(spec, { signal, mayBeAway: inputMayBeAway });
  return spec;
};

const partsKnowing = async (parts: MediaPath, channelId: string): Promise<PartName[]> => {
  const known = await Promise.all(
    removalOrder.map(async (name) => {
      const channels: { id: string }[] = await parts[name].channels();
      return channels.some((channel) => channel.id === channelId) ? [name] : [];
    }),
  );
  return known.flat();
};

const removeEverywhere = async (
  parts: MediaPath,
  channelId: string,
  keepAt: readonly string[] = [],
): Promise<void> => {
  for (const name of removalOrder) {
    if (!keepAt.includes(name)) await parts[name].remove(channelId);
  }
};

/** Fences the owner of a channel and ends its session. */
const takeOffAir = async (
  { origin }: MediaPath,
  encoders: Dependencies['encoders'],
  { channelId, requestId }: { channelId: string; requestId: string },
  signal: AbortSignal,
): Promise<void> => {
  const known = await origin.channels({ signal });
  const channel = known.find(({ id }) => id === channelId);
  if (!channel?.owner) return;
  const { owner, token, nextGop } = channel;
  await origin.own({ channelId, requestId, expectToken: token, owner: null, fromGop: nextGop }, { signal });
  // A host that can't be reached loses its feed when the channel is removed, and publishes nothing: it is fenced.
  await encoders
    .client(owner.encoderId)
    .then((client) => client.release(owner.sessionId, { deadlineMs: RELEASE_DEADLINE_MS, signal }))
    .catch(() => undefined);
};

/** Activities that add a channel to the media path and take it away. */
export const mediaActivities = ({
  origin,
  relay,
  source,
  encoders,
}: Pick<Dependencies, 'origin' | 'relay' | 'source' | 'encoders'>) => {
  const parts: MediaPath = { source, relay, origin };

  return {
    /** Adds a channel to relay, origin and source, or refuses it. Registering it again changes nothing. */
    registerChannel: (
      given: ChannelSpec,
      options: AddChannelOptions = { inputMayBeAway: false },
    ): Promise<ChannelSpec> =>
      withHeartbeats(async (signal) =>
        registerEverywhere(parts, parseOrRefuse(channelSpecSchema, given, 'channel'), options, signal),
      ),

    /** Which of relay, origin and source have the channel already: a refusal must not take it from them. */
    partsKnowing: ({ channelId }: { channelId: string }): Promise<string[]> => partsKnowing(parts, channelId),

    /** Compensation of registerChannel. */
    unregisterChannel: ({ channelId, keepAt }: { channelId: string; keepAt: string[] }): Promise<void> =>
      withHeartbeats(() => removeEverywhere(parts, channelId, keepAt)),

    /** Takes a channel off air for good: fences its owner, ends its session, forgets it everywhere. */
    removeChannel: (request: { channelId: string; requestId: string }): Promise<void> =>
      withHeartbeats(async (signal) => {
        await takeOffAir(parts, encoders, request, signal);
        await removeEverywhere(parts, request.channelId);
      }),
  };
};
