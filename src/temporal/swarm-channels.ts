import {
  SwarmError,
  swarmControl,
  type ChannelPage,
  type ChannelPageRequest,
  type ChannelSpec,
} from '../domain';

/** Asks the swarm's workflow one of its queries. */
export type SwarmQuery = <T>(name: string, ...args: unknown[]) => Promise<T>;

/** The list of channels as it was at one moment. */
export interface SwarmChannels {
  revision: string;
  channels: ChannelSpec[];
}

/** More than a page may have; the workflow cuts it to what one answer can carry. */
const CHANNELS_PER_PAGE = 1_000;
/** The list changed while it was read. */
const READ_AGAIN_AT_MOST = 3;

/** All channels of a swarm, however many, page by page. @throws SwarmError unavailable; what the query throws */
export const readSwarmChannels = async (query: SwarmQuery): Promise<SwarmChannels> => {
  for (let attempt = 1; attempt <= READ_AGAIN_AT_MOST; attempt += 1) {
    const read = await readPages(query);
    if (read) return read;
  }
  throw new SwarmError('unavailable', 'The list of channels changed each time that it was read.');
};

/** Null where the list changed between two pages. */
const readPages = async (query: SwarmQuery): Promise<SwarmChannels | null> => {
  const channels: ChannelSpec[] = [];
  let revision: string | null = null;
  for (;;) {
    const request: ChannelPageRequest = { from: channels.length, limit: CHANNELS_PER_PAGE };
    const page = await query<ChannelPage>(swarmControl.channels, request);
    revision ??= page.revision;
    if (page.revision !== revision) return null;
    channels.push(...page.channels);
    if (channels.length >= page.total || page.channels.length === 0) return { revision, channels };
  }
};
