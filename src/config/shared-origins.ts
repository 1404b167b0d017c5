import { z } from 'zod';
import { SwarmError, idSchema } from '../domain';
import { peersSchema, urlsOf } from './comma-peers';

const MEMBER = /^[\w.-]+:\d{1,5}$|^\[[0-9a-f:]+\]:\d{1,5}$/i;

/** Read as null for `embedded`, else as the URLs of etcd's members. */
export const ownershipStoreSchema = z.string().transform((text, context): string[] | null => {
  if (text === 'embedded') return null;
  const [, secure, list] = /^etcd(s?):\/\/([^/]+)\/?$/.exec(text) ?? [];
  const members = list?.split(',').map((member) => member.trim());
  if (members?.every((member) => MEMBER.test(member)))
    return members.map((member) => `http${secure}://${member}`);
  context.addIssue({
    code: 'custom',
    message: 'use embedded, or etcd://host:port,host:port (etcds:// over TLS)',
  });
  return z.NEVER;
});

const port = z.coerce.number().int().min(1).max(65_535);

/** Variables of origins that share channels. */
export const sharedOriginVariables = {
  SWARM_ORIGIN_PORT: port.default(7702).describe('Port of the origin.'),
  SWARM_OWNERSHIP_STORE: ownershipStoreSchema
    .prefault('embedded')
    .describe(
      'Where it is kept who owns a channel: `embedded`, in files of the one origin; or the members of an etcd, ' +
        '`etcd://host:port,host:port` (`etcds://` over TLS), for origins that share the channels (docs/how-to/run-replicas.md).',
    ),
  SWARM_ORIGIN_PEERS: peersSchema('origin')
    .prefault('')
    .describe(
      'All origins of the swarm, `name=url,name=url`: the same text for every part. Who asks an origin, and encoder hosts ' +
        'that publish, go on with the next one when one does not answer. Default: `SWARM_ORIGIN_URL` alone.',
    ),
  SWARM_ORIGIN_NAME: idSchema.optional().describe('Which of `SWARM_ORIGIN_PEERS` this origin is.'),
};

type OriginsEnvironment = z.infer<z.ZodObject<typeof sharedOriginVariables>> & { SWARM_ORIGIN_URL: string };

/** Base URLs of all origins, the one that is asked first in front. */
export const originUrlsOf = ({
  SWARM_ORIGIN_URL: first,
  SWARM_ORIGIN_PEERS: peers,
}: Pick<OriginsEnvironment, 'SWARM_ORIGIN_URL' | 'SWARM_ORIGIN_PEERS'>): string[] => urlsOf(first, peers);

/** With whom an origin shares the channels. */
export interface OriginReplication {
  /** Of this origin. */
  name: string;
  /** Of the other origins. */
  peers: { name: string; url: string }[];
  /** Members of the etcd that keeps ownership. */
  storeUrls: string[];
}

/**
 * What an origin has to know to share the channels; undefined: it is alone.
 * @throws SwarmError bad-request where the settings do not go together
 */
export const replicationOf = ({
  SWARM_OWNERSHIP_STORE: storeUrls,
  SWARM_ORIGIN_PEERS: all,
  SWARM_ORIGIN_NAME: name,
}: Omit<OriginsEnvironment, 'SWARM_ORIGIN_URL'>): OriginReplication | undefined => {
  const refuse = (what: string, hint: string): never => {
    throw new SwarmError('bad-request', what, hint);
  };
  if (storeUrls === null) {
    if (all.length < 2) return undefined;
    return refuse(
      'SWARM_ORIGIN_PEERS names several origins, and SWARM_OWNERSHIP_STORE is embedded: each would decide by itself.',
      'Set SWARM_OWNERSHIP_STORE=etcd://host:port,… for all of them.',
    );
  }
  if (name === undefined || !all.some((origin) => origin.name === name))
    return refuse(
      'SWARM_ORIGIN_NAME is none of SWARM_ORIGIN_PEERS.',
      'Give each origin its name, and all of them the same list of peers.',
    );
  return { name, peers: all.filter((origin) => origin.name !== name), storeUrls };
};
