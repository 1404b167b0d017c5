import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { z } from 'zod';
import { DEFAULT_BUILD_DIRS, DEFAULT_BUILD_PACKAGES, idSchema } from '../domain';
import { isEveryAddress, isHost, plainHost } from '../platform/addresses';
import { audienceVariables } from './audience';
import { addressList } from './comma-list';
import { linkVariables, withSecureUrls } from './links';
import { originVariables } from './origin';
import { playVariables } from './players';
import { influxTlsVariables, temporalVariables } from './servers';
import { sharedOriginVariables } from './shared-origins';
import { sharedRelayVariables } from './shared-relays';

const port = z.coerce.number().int().min(1).max(65_535);
const url = z.url({ protocol: /^https?$/ }).transform((u) => u.replace(/\/+$/, ''));
const file = z.string().min(1).optional();
const withDefault = (value: string) => url.default(value);

/** Every variable that a part of the swarm reads. Each has a default that works on one machine. */
export const environmentSchema = z.object({
  SWARM_CELL: idSchema
    .default('local')
    .describe("Name of this region's swarm. It is part of workflow ids, task queue and metric tags."),
  SWARM_STATE_DIR: z
    .string()
    .min(1)
    .default('.swarm')
    .describe('Folder of the local state: databases, segments, ownership records, keys, logs.'),
  SWARM_HOST: z
    .string()
    .min(1)
    .refine(
      (host) => !host.includes('%'),
      'an address with a zone has no place in URLs: use one without, or ::',
    )
    .refine(
      (host) => host.includes('%') || isHost(host),
      'use a name or an address of this machine, without a port; 0.0.0.0 or :: for all of its addresses',
    )
    .overwrite(plainHost)
    .default('127.0.0.1')
    .describe('Address that every part listens on; 0.0.0.0 or :: for every address of the machine.'),
  SWARM_HOST_NAMES: z
    .string()
    .default('')
    .describe(
      'Further names under which the parts are reached, `name,name`. The hosts of the URLs below are known already. ' +
        'A request for another name is refused: see docs/reference/api-rules.md.',
    ),
  SWARM_PART_TOKEN_FILE: file.describe(
    'File with the secret that the parts of this swarm show one another. A part that has it serves nobody without it. ' +
      '`npm start` makes it. Without it, parts listen on this machine alone.',
  ),
  SWARM_ADMIN_TOKEN_FILE: file.describe(
    'File with a token of the role admin for the API. `npm start` makes it; the command line uses it by itself.',
  ),
  SWARM_API_TOKENS_FILE: file.describe(
    'File (YAML or JSON) with further tokens for the API, of people and programs (docs/how-to/secure-a-swarm.md). It is read again when it changes.',
  ),
  SWARM_OIDC_ISSUER: url
    .optional()
    .describe(
      'Issuer of JWT bearer tokens for the API, such as `https://login.example/realms/tv`. Its keys are found by OpenID Connect discovery.',
    ),
  SWARM_OIDC_AUDIENCE: z
    .string()
    .min(1)
    .default('encoder-swarm')
    .describe('Audience (`aud`) that a JWT must be meant for.'),
  SWARM_OIDC_CLIENT_ID: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Client id of this API at the issuer: with it, the page logs in there (authorization code with PKCE). The address to ' +
        'come back to is `/login/callback` below `SWARM_PUBLIC_API_URL`.',
    ),
  SWARM_OIDC_CLIENT_SECRET_FILE: file.describe(
    'File with the secret of that client. Absent: it is a public client.',
  ),
  SWARM_OIDC_ROLE_CLAIM: z
    .string()
    .min(1)
    .default('roles')
    .describe(
      'Claim of a JWT with the role, or a list that has it: `viewer`, `operator` or `admin`. A dot leads into an object: `realm_access.roles`.',
    ),
  SWARM_OIDC_CELL_CLAIM: z
    .string()
    .min(1)
    .optional()
    .describe('Claim of a JWT with the cell, or a list of cells, that it is for. Absent: all cells.'),
  SWARM_ALLOW_STRANGERS: z
    .enum(['yes', 'no'])
    .default('no')
    .transform((answer) => answer === 'yes')
    .describe(
      '`yes`: parts without a token may listen for other machines. Whoever reaches them may command them.',
    ),
  ...linkVariables,
  SWARM_API_PORT: port.default(7700).describe('Port of the API and the page.'),
  SWARM_RELAY_PORT: port.default(7701).describe('Port of the relay.'),
  ...sharedRelayVariables,
  ...sharedOriginVariables,
  ...playVariables,
  SWARM_SOURCE_PORT: port.default(7703).describe('Port of the source.'),
  SWARM_PUSH_PORT: port
    .optional()
    .describe(
      'Port of the source where contributions are taken by HTTP (`channel add --push`). `npm start` takes 7709; else none are.',
    ),
  SWARM_FLEET_PORT: port.default(7704).describe('Port of the fleet agent of the local provider.'),
  SWARM_COLLECTOR_PORT: port.default(7705).describe('Port of the collector.'),
  SWARM_WORKER_PORT: port.default(7706).describe('Port of the worker, for its health.'),
  SWARM_ENCODER_PORT_BASE: port
    .default(7710)
    .describe('First gRPC port of the encoder hosts that the local provider starts; the others follow.'),
  SWARM_API_URL: withDefault('http://127.0.0.1:7700').describe('Where the API is reached.'),
  SWARM_RELAY_URL: withDefault('http://127.0.0.1:7701').describe('Where the relay is reached.'),
  SWARM_ORIGIN_URL: withDefault('http://127.0.0.1:7702').describe('Where the origin is reached.'),
  SWARM_PLAYER_URL: url
    .optional()
    .describe(
      'Where players reach the origin: `SWARM_PLAYER_PORT`. Without it, they are given `SWARM_ORIGIN_URL`.',
    ),
  SWARM_SOURCE_URL: withDefault('http://127.0.0.1:7703').describe('Where the source is reached.'),
  SWARM_PUBLIC_API_URL: url
    .optional()
    .describe(
      'Where browsers reach the API, behind a proxy or under a name. `npm start` takes `SWARM_API_URL` for it too.',
    ),
  SWARM_PUBLIC_ORIGIN_URL: url
    .optional()
    .describe(
      'Where browsers and players reach the origin. Without it, they are given `SWARM_PLAYER_URL`; where that is this ' +
        'machine alone, the name by which they reached the API.',
    ),
  SWARM_FLEET_URL: withDefault('http://127.0.0.1:7704').describe(
    'Where the fleet agent of the local provider is reached. Unused if `SWARM_ENCODERS` is set.',
  ),
  SWARM_ENCODERS: z
    .string()
    .optional()
    .describe('A fixed fleet instead of the local one: `id=host:port,id=host:port`.'),
  SWARM_TFJS_NODE: z
    .string()
    .optional()
    .describe('Folder of a tfjs-node that was built apart; else the installed one.'),
  SWARM_FLEET_SIMULATED: z
    .string()
    .optional()
    .describe(
      'Makes the provider behave like a cloud: `boot=20-60,fail=0.2,seed=1` (seconds, share of requests that fail).',
    ),
  TEMPORAL_ADDRESS: z
    .string()
    .min(3)
    .default('127.0.0.1:7233')
    .describe('Address of the Temporal server. If it is set, set-up installs none.'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default').describe('Namespace of the Temporal server.'),
  ...temporalVariables,
  TEMPORAL_UI_URL: withDefault('http://127.0.0.1:8233').describe("Temporal's UI, for links."),
  SWARM_PAYLOAD_CODEC: z
    .enum(['on', 'off'])
    .default('off')
    .describe(
      'Whether what workflows and activities are given and answer is encrypted at Temporal (AES-256-GCM). ' +
        'What is there already can be read either way, as long as the keys are there.',
    ),
  SWARM_PAYLOAD_KEYS: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder of the keys for that, the same for worker, API, collector and command line. Default: `secrets/payload-keys` in the state folder.',
    ),
  SWARM_CODEC_PORT: port
    .default(7708)
    .describe("Port of the codec server, which decrypts for Temporal's page, on 127.0.0.1 alone."),
  INFLUX_URL: withDefault('http://127.0.0.1:8086').describe(
    'InfluxDB with the 1.x API. If it is set, set-up installs none.',
  ),
  ...influxTlsVariables,
  INFLUX_DATABASE: z
    .string()
    .regex(/^[A-Za-z0-9_]+$/)
    .default('encoder_swarm')
    .describe('Database in InfluxDB.'),
  FFMPEG: z.string().min(1).default('ffmpeg').describe('The ffmpeg that sessions run.'),
  FFPROBE: z.string().min(1).default('ffprobe').describe('The ffprobe that looks at inputs.'),
  SWARM_FFMPEG_USER: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]*$/i, 'use the name of an account')
    .optional()
    .describe(
      'Account under which ffmpeg and ffprobe run, where encoder hosts and source run as root. It must be able to run the ' +
        'programs and to read the inputs. Default: the account of the part.',
    ),
  SWARM_BUILD_DIRS: z
    .string()
    .min(1)
    .default(DEFAULT_BUILD_DIRS)
    .describe(
      'Folders, and those below them, from which encoder builds may be run, `folder:folder`. An executable there has to ' +
        'have a name that begins with ffmpeg. `FFMPEG` itself may always be run.',
    ),
  SWARM_BUILD_PACKAGES: z
    .string()
    .min(1)
    .default(DEFAULT_BUILD_PACKAGES)
    .describe('Packages from which encoder builds may come, `ecosystem:name,ecosystem:name`.'),
  SWARM_INPUT_DIR: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Files below it may be inputs of channels. Default: `/` while the swarm listens on this machine alone, otherwise `inputs` in the state folder.',
    ),
  SWARM_INPUT_NETWORKS: addressList
    .optional()
    .describe(
      'Addresses and networks that are not public and may be asked for inputs all the same: `10.0.0.0/8,fd00::/8`. Default: this machine and private networks while the swarm listens on this machine alone, otherwise none.',
    ),
  SWARM_INPUTS_TRUSTED: z
    .string()
    .regex(/^([0-9a-f]{64}(,|$))*$/)
    .default('')
    .describe(
      'SHA-256 of inputs that may be used wherever they are, `digest,digest`. `npm start` sets it for what is given with `--input`.',
    ),
  ...audienceVariables,
  SWARM_STEP_SECONDS: z.coerce
    .number()
    .min(1)
    .max(3600)
    .default(5)
    .describe('Wall-clock seconds per step of the audience and of the forecasts. 24 steps are a day.'),
  SWARM_RING_SECONDS: z.coerce
    .number()
    .min(10)
    .max(3_600)
    .default(60)
    .describe(
      'Ring of the relay for each channel, in memory and on disk. It ends at this or at `SWARM_RING_MIB`.',
    ),
  SWARM_RING_MIB: z.coerce
    .number()
    .min(1)
    .max(16_384)
    .default(64)
    .describe('Ring of the relay for each channel, in MiB.'),
  SWARM_RELAY_MEMORY_MIB: z.coerce
    .number()
    .min(16)
    .max(16_777_216)
    .optional()
    .describe(
      'What the rings of all channels of the relay take up together in memory, in MiB. It is divided over the channels ' +
        'where they would have more. Default: half of the memory of the machine.',
    ),
  SWARM_RELAY_DISK_MIB: z.coerce
    .number()
    .min(16)
    .max(16_777_216)
    .optional()
    .describe(
      'What the rings of all channels of the relay take up together on disk, in MiB. It is divided over the channels ' +
        'where they would have more. Default: half of what the disk has for them, free and in use.',
    ),
  SWARM_RETENTION_SECONDS: z.coerce
    .number()
    .min(60)
    .max(86_400)
    .default(900)
    .describe('What the origin keeps of each channel. It ends at this or at `SWARM_RETENTION_MIB`.'),
  SWARM_RETENTION_MIB: z.coerce
    .number()
    .min(16)
    .max(1_048_576)
    .default(1_024)
    .describe('What the origin keeps of each channel, in MiB.'),
  ...originVariables,
  SWARM_OPEN_FILES: z.coerce
    .number()
    .int()
    .min(256)
    .max(16_777_216)
    .optional()
    .describe(
      'Files and connections that source, relay and origin, each, count on: channels are refused beyond. Default: what the ' +
        'system allows the process (`ulimit -n`).',
    ),
  SWARM_SOURCE_MEMORY_MIB: z.coerce
    .number()
    .min(16)
    .max(16_777_216)
    .optional()
    .describe(
      'What the source holds of all live inputs together while the relay is away, in MiB. It is divided over the ' +
        'channels where they would have more. Default: a quarter of the memory of the machine.',
    ),
  SWARM_RETRAIN_SECONDS: z.coerce
    .number()
    .min(60)
    .max(2_592_000)
    .optional()
    .describe(
      'Seconds between retrainings of the net. Default: a day of 24 steps, but at least ten minutes.',
    ),
  SWARM_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
    .default('info')
    .describe('Least severe level that is logged.'),
  SWARM_LOG_MIB: z.coerce
    .number()
    .min(1)
    .max(4_096)
    .default(8)
    .describe(
      'Size at which `npm start` puts the log of a process aside as `<part>.log.1`, in MiB. The one put aside before goes then.',
    ),
});
export type Environment = z.infer<typeof environmentSchema>;

/**
 * Reads and validates the environment.
 * @throws Error that names each variable at fault and what it should be.
 */
export const readEnvironment = (env: NodeJS.ProcessEnv = process.env): Environment => {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = environmentSchema.safeParse(set);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ');
    throw new Error(`Bad environment: ${faults}. Hint: correct or unset the variable.`);
  }
  const environment = withSecureUrls(parsed.data, set);
  return { ...environment, SWARM_STATE_DIR: resolve(environment.SWARM_STATE_DIR) };
};

const STEPS_PER_DAY = 24;
const MIN_DEFAULT_RETRAIN_SECONDS = 600;

/** Seconds between retrainings of a cell's net. */
export const retrainSecondsOf = ({ SWARM_RETRAIN_SECONDS, SWARM_STEP_SECONDS }: Environment): number =>
  SWARM_RETRAIN_SECONDS ?? Math.max(MIN_DEFAULT_RETRAIN_SECONDS, STEPS_PER_DAY * SWARM_STEP_SECONDS);

/** Of a name that was given as a URL, or with a port. */
const hostOf = (name: string): string => {
  const url = name.includes('://') ? name : `http://${name}`;
  return URL.canParse(url) ? new URL(url).hostname : name;
};

/** DNS names under which the parts of this swarm are reached: a request for another one is refused. */
export const ownNamesOf = (environment: Environment): string[] => {
  const { SWARM_HOST, SWARM_HOST_NAMES } = environment;
  const urls = [
    environment.SWARM_API_URL,
    environment.SWARM_RELAY_URL,
    environment.SWARM_ORIGIN_URL,
    environment.SWARM_PLAYER_URL,
    environment.SWARM_SOURCE_URL,
    environment.SWARM_FLEET_URL,
    environment.SWARM_PUBLIC_API_URL,
    environment.SWARM_PUBLIC_ORIGIN_URL,
  ].filter((url) => url !== undefined);
  const further = SWARM_HOST_NAMES.split(',').map((name) => hostOf(name.trim()));
  // Nobody else can have this machine's own name lead to it.
  const machine = isEveryAddress(SWARM_HOST) ? [hostname()] : [];
  const known = [SWARM_HOST, ...urls.map((url) => new URL(url).hostname), ...machine, ...further];
  return [...new Set(known)].filter(Boolean);
};

/** Base URL of the origin for players of this machine or network, before any public name. */
export const playerUrl = ({ SWARM_PLAYER_URL, SWARM_ORIGIN_URL }: Environment): string =>
  SWARM_PLAYER_URL ?? SWARM_ORIGIN_URL;

/** Base URL of the API as browsers reach it. */
export const publicApiUrl = (environment: Environment): string =>
  environment.SWARM_PUBLIC_API_URL ?? environment.SWARM_API_URL;

/** Task queue of a cell's worker. */
export const taskQueueOf = (cell: string): string => `encoder-swarm-${cell}`;
