import { idSchema, renditionSchema } from '../domain';

/** What somebody watches, by the address that their player asked for. */
export interface Watched {
  channelId: string;
  /** Null where it does not tell: a sound track, which players ask for beside a picture. */
  rendition: string | null;
}

/** Playlists of a rendition, segments and fragments, below any prefix: not what lists them, which probes ask for too. */
const PATH = /\/(hls|cmaf)\/([^/]{1,100})\/([^/]{1,100})\/[^/]{1,200}$/;
/** Names of renditions have no hyphen. */
const SOUND = /^sound-\d+$/;

/**
 * Reads the path of a request, as a server logs it or a player sends it, without its query.
 * @returns null for what is no request of a viewer
 */
export const watchedAt = (path: string): Watched | null => {
  const [, , channel, track = ''] = PATH.exec(path) ?? [];
  const channelId = idSchema.safeParse(channel);
  if (!channelId.success) return null;
  if (SOUND.test(track)) return { channelId: channelId.data, rendition: null };
  const rendition = renditionSchema.shape.name.safeParse(track);
  return rendition.success ? { channelId: channelId.data, rendition: rendition.data } : null;
};

/** What a viewer was given by a request; null for one that is no viewer's, or got nothing. */
export const watchedBy = ({
  method,
  path,
  status,
}: {
  method: string;
  path: string;
  status: number;
}): Watched | null => (method === 'GET' && status < 400 ? watchedAt(path) : null);
