import { SwarmError, channelSpecSchema, type ChannelSpec } from '../../src/domain';
import { parseOrRefuse } from '../../src/platform/http';
import type { Dependencies } from '../kit/dependencies';
import { withHeartbeats } from '../kit/heartbeat';

const RELEASE_DEADLINE_MS = 1_500;

/** Activities that add a channel to the media path and take it away. */
export const mediaActivities = ({
  origin,
  relay,
  source,
  encoders,
}: Pick<Dependencies, 'origin' | 'relay' | 'source' | 'encoders'>) => {
  /** What brings pictures ends before what takes them. */
  const inOrderOfRemoval = [
    { name: 'source', client: source },
    { name: 'relay', client: relay },
    { name: 'origin', client: origin },
  ] as const;

  const removeEverywhere = async (channelId: string, keepAt: readonly string[] = []): Promise<void> => {
    for (const { name, client } of inOrderOfRemoval) {
      if (!keepAt.includes(name)) await client.remove(channelId);
    }
  };

  return {
    /** Adds a channel to relay, origin and source, or refuses it. Registering it again changes nothing. */
    registerChannel: (given: ChannelSpec): Promise<ChannelSpec> =>
      withHeartbeats(async (signal) => {
        const spec = parseOrRefuse(channelSpecSchema, given, 'channel');
        await relay.register(spec);
        await origin.register(spec);
        const { state } = await source.register(spec, { signal });
        if (state === 'failed') {
          throw new SwarmError(
            'input-not-video',
            `The input of ${spec.id} can't be read as video.`,
            'Give a file or live URL that ffmpeg plays.',
          );
        }
        return spec;
      }),

    /** Which of relay, origin and source have the channel already: a refusal must not take it from them. */
    async partsKnowing(request: { channelId: string }): Promise<string[]> {
      const known = await Promise.all(
        inOrderOfRemoval.map(async ({ name, client }) => {
          const channels: { id: string }[] = await client.channels();
          return channels.some((channel) => channel.id === request.channelId) ? [name] : [];
        }),
      );
      return known.flat();
    },

    /** Compensation of registerChannel. */
    unregisterChannel: (request: { channelId: string; keepAt: string[] }): Promise<void> =>
      withHeartbeats(() => removeEverywhere(request.channelId, request.keepAt)),

    /** Takes a channel off air for good: fences its owner, ends its session, forgets it everywhere. */
    removeChannel: (request: { channelId: string; requestId: string }): Promise<void> =>
      withHeartbeats(async (signal) => {
        const { channelId, requestId } = request;
        const known = await origin.channels({ signal });
        const channel = known.find((c) => c.id === channelId);
        if (channel?.owner) {
          const { owner, token, nextGop } = channel;
          await origin.own(
            { channelId, requestId, expectToken: token, owner: null, fromGop: nextGop },
            { signal },
          );
          // A host that can't be reached has lost its feed below, and publishes nothing: it is fenced.
          await encoders
            .client(owner.encoderId)
            .then((client) => client.release(owner.sessionId, { deadlineMs: RELEASE_DEADLINE_MS, signal }))
            .catch(() => undefined);
        }
        await removeEverywhere(channelId);
      }),
  };
};
