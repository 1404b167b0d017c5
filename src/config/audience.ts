import { z } from 'zod';
import { idSchema, knownTimeZoneSchema } from '../domain';
import { addressList, commaList } from './comma-list';

const zonesByRegion = commaList
  .refine(
    (entries) =>
      entries.every((entry) => {
        const [region, zone, ...rest] = entry.split('=');
        return (
          rest.length === 0 &&
          idSchema.safeParse(region).success &&
          knownTimeZoneSchema.safeParse(zone).success
        );
      }),
    'use REGION=ZONE with commas between them and names of the IANA time zone database, such as eu=Europe/Berlin',
  )
  .transform(
    (entries) => Object.fromEntries(entries.map((entry) => entry.split('='))) as Record<string, string>,
  );

/** Variables about who watches. */
export const audienceVariables = {
  SWARM_AUDIENCE: z
    .enum(['replay', 'origin', 'off'])
    .default('replay')
    .describe(
      'Whose audience forecasts and ladders follow. `replay`: a generated one, for demonstrations. `origin`: the viewers ' +
        'that the origin counts. `off`: somebody else writes it, such as `encoder-swarm audience follow` or Telegraf.',
    ),
  SWARM_VIEWER_NETWORKS: z
    .string()
    .default('')
    .describe(
      'Where viewers are, by their addresses: `10.0.0.0/8=eu,2001:db8::/32=us`. Others count for the region of the cell.',
    ),
  SWARM_VIEWER_PROXIES: addressList
    .prefault('')
    .describe(
      'Addresses and networks of proxies before the origin whose `X-Forwarded-For` is believed: `10.0.0.0/8,fd00::/8`.',
    ),
  SWARM_AUDIENCE_TRACE: z
    .string()
    .optional()
    .describe(
      'CSV (`timestamp,value`) whose shape the generated audience follows. Default: the trace that ships with the project.',
    ),
  SWARM_AUDIENCE_ANCHOR: z
    .enum(['keep', 'restart', 'off'])
    .default('keep')
    .describe(
      'Where the generated audience stands in its trace. `keep`: where it was before a restart. `restart`: at its ' +
        'beginning, with a new history. `off`: as `SWARM_AUDIENCE=off`.',
    ),
  SWARM_TIME_ZONES: zonesByRegion
    .prefault('')
    .describe(
      'By whose clock the audience of each region lives: `eu=Europe/Berlin,us=America/New_York`. Forecasts with steps of real ' +
        'hours follow it when clocks change; a channel may have a time zone of its own. Default: UTC.',
    ),
};
