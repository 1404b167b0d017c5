import { z } from 'zod';
import { HARDWARE, idSchema } from '../domain';

const url = z.url({ protocol: /^https?$/ }).transform((u) => u.replace(/\/+$/, ''));

/** Variables that distinguish one encoder host from another; the fleet provider sets them. */
export const hostEnvironmentSchema = z.object({
  ENCODER_ID: idSchema.default('enc-1').describe('Id of the host.'),
  ENCODER_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('gRPC port. Default: `SWARM_ENCODER_PORT_BASE`.'),
  ENCODER_REGION: idSchema.default('eu').describe('Region of the host.'),
  ENCODER_ZONE: idSchema.default('a').describe('Availability zone of the host.'),
  ENCODER_CAPACITY_UNITS: z.coerce
    .number()
    .gt(0)
    .optional()
    .describe('What it can carry, in encode units. Default: what it measures that it can do in real time.'),
  ENCODER_CORES: z.coerce
    .number()
    .gt(0)
    .max(1_024)
    .optional()
    .describe(
      'Cores that the host has for itself, such as 0.5 where four hosts share two: what it measures is divided by that. ' +
        'Default: all cores of the machine.',
    ),
  ENCODER_MAX_SESSIONS: z.coerce.number().int().min(1).default(8).describe('Sessions at a time.'),
  ENCODER_HARDWARE: z
    .string()
    .default('')
    .transform((text) => text.split(',').flatMap((kind) => kind.trim() || []))
    .pipe(z.array(z.enum(HARDWARE)))
    .describe(
      'Hardware encoders that this host has: `nvenc`, `qsv`, `vaapi`, with commas between them. Only then do ladders ' +
        'that name one (`codec: h264_nvenc`) come here. Default: none.',
    ),
  ENCODER_SESSIONS_FILE: z
    .string()
    .optional()
    .describe(
      'File in which this host notes the sessions that publish, with their secrets; nobody but its owner may read it. ' +
        'What is called `FILE.resume` when the host starts goes on, as far as the origin still has those sessions as ' +
        'owners. `npm start` sets it, and renames the file before it starts the host. Default: nothing is noted.',
    ),
  ENCODER_RELAY_URL: url
    .optional()
    .describe(
      'Where this host reaches the relay, whatever the order for a session says. The fleet agent of `npm start` sets it. ' +
        'Default: where the order says, which lets whoever gives orders have this host ask any address.',
    ),
  ENCODER_ORIGIN_URL: url.optional().describe('The same for the origin.'),
  ENCODER_CLIP_HOSTS: z
    .string()
    .transform((text) => text.split(',').flatMap((name) => name.trim() || []))
    .optional()
    .describe(
      'Machines from which this host takes the clips of self-tests, `name,name`: those of the workers. Default: the ' +
        'machines of `ENCODER_RELAY_URL` and `ENCODER_ORIGIN_URL`. Without these two, any.',
    ),
});
