import { publicApiUrl, type Environment } from '../config/config';
import { masterPlaylistUrl } from '../contracts/origin';
import type { ChannelSpec } from '../domain';
import { isEveryAddress } from '../platform/addresses';

/** The page with a ticket that logs in. Behind the #: no server and no log sees it there. */
export const pageWithTicket = (pageUrl: string, ticket: string): string => `${pageUrl}/#ticket=${ticket}`;

/** What to open, once a swarm is on air. @param ticket logs a browser in */
export const whereToLook = (
  environment: Environment,
  channels: readonly ChannelSpec[],
  ticket: string,
): string => {
  const {
    SWARM_ORIGIN_URL,
    SWARM_PUBLIC_ORIGIN_URL = SWARM_ORIGIN_URL,
    SWARM_STATE_DIR,
    TEMPORAL_UI_URL,
    TEMPORAL_NAMESPACE,
  } = environment;
  const playlists = channels.map(({ id }) => masterPlaylistUrl(SWARM_PUBLIC_ORIGIN_URL, id));
  const [first = '', ...others] = playlists;
  return [
    '',
    `  page         ${pageWithTicket(publicApiUrl(environment), ticket)}`,
    '               (once, within minutes; another one: npx encoder-swarm login)',
    `  Temporal UI  ${TEMPORAL_UI_URL}/namespaces/${TEMPORAL_NAMESPACE}/workflows`,
    `  playlists    ${first}`,
    ...others.map((playlist) => `               ${playlist}`),
    `  logs         ${SWARM_STATE_DIR}/logs`,
    ...(isEveryAddress(environment.SWARM_HOST)
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
