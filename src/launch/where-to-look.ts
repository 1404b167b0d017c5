import type { Environment } from '../config/config';
import type { ChannelSpec } from '../domain';

/** What to open, once a swarm is on air. */
export const whereToLook = (environment: Environment, channels: readonly ChannelSpec[]): string => {
  const { SWARM_API_URL, SWARM_ORIGIN_URL, SWARM_STATE_DIR, TEMPORAL_UI_URL, TEMPORAL_NAMESPACE } =
    environment;
  const playlists = channels.map(({ id }) => `${SWARM_ORIGIN_URL}/hls/${id}/index.m3u8`);
  const [first = '', ...others] = playlists;
  return [
    '',
    `  page         ${SWARM_API_URL}`,
    `  Temporal UI  ${TEMPORAL_UI_URL}/namespaces/${TEMPORAL_NAMESPACE}/workflows`,
    `  playlists    ${first}`,
    ...others.map((playlist) => `               ${playlist}`),
    `  logs         ${SWARM_STATE_DIR}/logs`,
    '',
    '  Ctrl-C stops the swarm. Started again, it goes on where it was; npm run clean forgets everything.',
    '',
  ].join('\n');
};
