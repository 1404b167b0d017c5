import { publicApiUrl, type Environment } from '../config/config';
import type { ChannelSpec } from '../domain';

const isOnEveryAddress = ({ SWARM_HOST }: Environment): boolean =>
  SWARM_HOST === '0.0.0.0' || SWARM_HOST === '::';

/** What to open, once a swarm is on air. */
export const whereToLook = (environment: Environment, channels: readonly ChannelSpec[]): string => {
  const {
    SWARM_ORIGIN_URL,
    SWARM_PUBLIC_ORIGIN_URL = SWARM_ORIGIN_URL,
    SWARM_STATE_DIR,
    TEMPORAL_UI_URL,
    TEMPORAL_NAMESPACE,
  } = environment;
  const playlists = channels.map(({ id }) => `${SWARM_PUBLIC_ORIGIN_URL}/hls/${id}/index.m3u8`);
  const [first = '', ...others] = playlists;
  return [
    '',
    `  page         ${publicApiUrl(environment)}`,
    `  Temporal UI  ${TEMPORAL_UI_URL}/namespaces/${TEMPORAL_NAMESPACE}/workflows`,
    `  playlists    ${first}`,
    ...others.map((playlist) => `               ${playlist}`),
    `  logs         ${SWARM_STATE_DIR}/logs`,
    ...(isOnEveryAddress(environment)
      ? [
          '',
          '  It listens on every address: from elsewhere, use the name of this machine in place of 127.0.0.1.',
        ]
      : []),
    '',
    '  Ctrl-C stops the swarm. Started again, it goes on where it was; npm run clean forgets everything.',
    '',
  ].join('\n');
};
