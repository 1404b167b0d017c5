import { hostname } from 'node:os';
import { playerUrl, publicApiUrl, type Environment } from '../config/config';
import { playKeysFolder } from '../config/players';
import { originFor } from '../config/public-origin';
import type { ChannelSpec } from '../domain';
import { addressesOfMachine, isEveryAddress } from '../platform/addresses';
import { PlaySigner } from '../playback';

/** The page with a ticket that logs in. Behind the #: no server and no log sees it there. */
export const pageWithTicket = (pageUrl: string, ticket: string): string => `${pageUrl}/#ticket=${ticket}`;

/** What other machines are to know. */
const fromElsewhere = (environment: Environment): string[] => {
  const { SWARM_HOST, SWARM_PUBLIC_API_URL: publicApi, SWARM_PUBLIC_ORIGIN_URL: publicOrigin } = environment;
  const isUnnamed = publicApi !== undefined && publicOrigin === undefined;
  return [
    ...(isEveryAddress(SWARM_HOST)
      ? [
          '',
          '  It listens on every address. From elsewhere, write one of these in place of 127.0.0.1:',
          `    ${[hostname(), ...addressesOfMachine()].join(', ')}`,
        ]
      : []),
    ...(isUnnamed
      ? [
          '',
          `  Whoever opens ${publicApi} is told to play from ${originFor(environment)(new URL(publicApi).host)}.`,
          '    Where that does not lead to the origin, as behind a proxy: set SWARM_PUBLIC_ORIGIN_URL.',
        ]
      : []),
  ];
};

/** What to open, once a swarm is on air. @param ticket logs a browser in */
export const whereToLook = async (
  environment: Environment,
  channels: readonly ChannelSpec[],
  ticket: string,
): Promise<string> => {
  const {
    SWARM_PUBLIC_ORIGIN_URL = playerUrl(environment),
    SWARM_STATE_DIR,
    TEMPORAL_UI_URL,
    TEMPORAL_NAMESPACE,
  } = environment;
  const signer = await PlaySigner.of(playKeysFolder(environment));
  const playlists = await Promise.all(
    channels.map(async ({ id }) => (await signer.urlsOf(SWARM_PUBLIC_ORIGIN_URL, id)).hls),
  );
  const [first = '', ...others] = playlists;
  return [
    '',
    `  page         ${pageWithTicket(publicApiUrl(environment), ticket)}`,
    '               (once, within minutes; another one: npx encoder-swarm login)',
    `  Temporal UI  ${TEMPORAL_UI_URL}/namespaces/${TEMPORAL_NAMESPACE}/workflows`,
    `  playlists    ${first}`,
    ...others.map((playlist) => `               ${playlist}`),
    `  logs         ${SWARM_STATE_DIR}/logs`,
    ...fromElsewhere(environment),
    '',
    '  Ctrl-C stops the swarm. Started again, it goes on where it was; npm run clean forgets everything.',
    '',
  ].join('\n');
};
