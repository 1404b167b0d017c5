import { z } from 'zod';
import { idSchema } from '../domain';
import { commaList } from './comma-list';

const httpUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));

/** A replica of a part: its name, and its base URL. */
export interface Peer {
  name: string;
  url: string;
}

/** `name=url,name=url`, each name once. @param part what each is, for refusals */
export const peersSchema = (part: string) =>
  commaList
    .transform((entries) =>
      entries.map((entry) => {
        const [, name, url] = /^([^=]*)=(.*)$/.exec(entry) ?? [];
        return { name, url };
      }),
    )
    .pipe(z.array(z.object({ name: idSchema, url: httpUrl }), 'use name=url,name=url'))
    .refine(
      (peers) => new Set(peers.map(({ name }) => name)).size === peers.length,
      `name each ${part} once`,
    );

/** Base URLs of a part and its replicas, the one that is asked first in front. */
export const urlsOf = (first: string, peers: readonly Peer[]): string[] => [
  ...new Set([first, ...peers.map(({ url }) => url)]),
];
