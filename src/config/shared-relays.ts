import type { z } from 'zod';
import { peersSchema, urlsOf, type Peer } from './comma-peers';

/** Variables of relays that are sent the same contributions. */
export const sharedRelayVariables = {
  SWARM_RELAY_PEERS: peersSchema('relay')
    .prefault('')
    .describe(
      'All relays of the swarm, `name=url,name=url`: the same text for every part. The source sends each of them every ' +
        'channel; who asks a relay, and sessions that read from one, go on with the next one when one does not answer ' +
        '(docs/how-to/run-replicas.md). Default: `SWARM_RELAY_URL` alone.',
    ),
};

type RelaysEnvironment = z.infer<z.ZodObject<typeof sharedRelayVariables>> & { SWARM_RELAY_URL: string };

/** Base URLs of all relays, the one that is asked first in front. */
export const relayUrlsOf = ({ SWARM_RELAY_URL, SWARM_RELAY_PEERS }: RelaysEnvironment): string[] =>
  urlsOf(SWARM_RELAY_URL, SWARM_RELAY_PEERS);

/** All relays by name; one that is alone is `relay`. */
export const relaysOf = ({ SWARM_RELAY_URL, SWARM_RELAY_PEERS }: RelaysEnvironment): Peer[] =>
  SWARM_RELAY_PEERS.length > 0 ? SWARM_RELAY_PEERS : [{ name: 'relay', url: SWARM_RELAY_URL }];
