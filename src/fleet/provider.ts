import { z } from 'zod';
import { SwarmError, idSchema, type InstalledBuild } from '../domain';
import { callJson } from '../platform/http';

export const fleetEncoderSchema = z.object({
  id: idSchema,
  /** host:port */
  grpcAddress: z.string().min(3),
  region: z.string(),
  zone: z.string(),
  pid: z.int().positive().nullable(),
  state: z.enum(['starting', 'running', 'restarting', 'stopped']),
  restarts: z.int().min(0),
  startedAtMs: z.number(),
  /** The build that was set for it; absent: the machine's own ffmpeg. */
  buildId: idSchema.optional(),
});

/** An encoder host as the one who runs it knows it. */
export type FleetEncoder = z.infer<typeof fleetEncoderSchema>;

/** Who can tell which encoder hosts there are, and maybe start and end them. */
export interface FleetProvider {
  readonly canProvision: boolean;
  list(): Promise<FleetEncoder[]>;
  /**
   * Starts one more encoder host; the same requestId again: the same encoder.
   * @param build what it is to run; absent: the fleet's own choice
   * @throws SwarmError at-capacity-limit when no more can be had
   */
  provision(requestId: string, zone?: string, build?: InstalledBuild): Promise<FleetEncoder>;
  /**
   * Starts an encoder host anew with a build; sessions that it has end, so drain it first. The same requestId, or
   * the build that it runs already, again: nothing changes.
   * @throws SwarmError unknown-encoder; conflict, not-found: the build is not there (nothing changed), or this fleet
   * can't change builds; encoder-incompatible: it does not start with it, and runs the one before again
   */
  setBuild(encoderId: string, build: InstalledBuild, requestId: string): Promise<FleetEncoder>;
  /** Ends an encoder host; an unknown one counts as ended. */
  deprovision(encoderId: string): Promise<void>;
}

const LIST_LIMIT_MS = 3_000;
const PROVISION_LIMIT_MS = 40_000;
/** A host that does not start with the new build is started once more with the old one. */
const SET_BUILD_LIMIT_MS = 75_000;
const DEPROVISION_LIMIT_MS = 15_000;

/** A fixed list of encoder hosts that somebody else runs. */
export class StaticFleet implements FleetProvider {
  readonly canProvision = false;

  constructor(private readonly encoders: FleetEncoder[]) {}

  async list(): Promise<FleetEncoder[]> {
    return this.encoders;
  }

  async provision(): Promise<FleetEncoder> {
    throw new SwarmError(
      'at-capacity-limit',
      'The fleet is a fixed list (SWARM_ENCODERS): no encoder can be added.',
      'Add an encoder to SWARM_ENCODERS, or let the local provider run the fleet.',
    );
  }

  async deprovision(encoderId: string): Promise<void> {
    throw new SwarmError(
      'conflict',
      `The fleet is a fixed list (SWARM_ENCODERS): ${encoderId} can't be ended from here.`,
      'End it where it runs, and take it out of SWARM_ENCODERS.',
    );
  }

  async setBuild(encoderId: string, { buildId }: InstalledBuild): Promise<FleetEncoder> {
    throw new SwarmError(
      'conflict',
      `The fleet is a fixed list (SWARM_ENCODERS): ${encoderId} can't be given build ${buildId} from here.`,
      'Drain it, start it where it runs with FFMPEG set to that build, then uncordon it.',
    );
  }
}

/** The fleet agent of this machine, over HTTP. */
export class LocalFleetClient implements FleetProvider {
  readonly canProvision = true;

  constructor(private readonly url: string) {}

  async list(): Promise<FleetEncoder[]> {
    const answer = await callJson(`${this.url}/encoders`, { timeoutMs: LIST_LIMIT_MS });
    return this.parse(z.array(fleetEncoderSchema), answer);
  }

  async provision(requestId: string, zone?: string, build?: InstalledBuild): Promise<FleetEncoder> {
    const answer = await callJson(`${this.url}/encoders`, {
      method: 'POST',
      json: { requestId, ...(zone !== undefined && { zone }), ...(build && { build }) },
      timeoutMs: PROVISION_LIMIT_MS,
    });
    return this.parse(fleetEncoderSchema, answer);
  }

  async deprovision(encoderId: string): Promise<void> {
    const url = `${this.url}/encoders/${encodeURIComponent(encoderId)}`;
    await callJson(url, { method: 'DELETE', timeoutMs: DEPROVISION_LIMIT_MS });
  }

  async setBuild(encoderId: string, build: InstalledBuild, requestId: string): Promise<FleetEncoder> {
    const answer = await callJson(`${this.url}/encoders/${encodeURIComponent(encoderId)}/build`, {
      method: 'PUT',
      json: { requestId, build },
      timeoutMs: SET_BUILD_LIMIT_MS,
    });
    return this.parse(fleetEncoderSchema, answer);
  }

  private parse<T extends z.ZodType>(schema: T, answer: unknown): z.output<T> {
    const parsed = schema.safeParse(answer);
    if (parsed.success) return parsed.data;
    const fault = parsed.error.issues[0];
    throw new SwarmError(
      'internal',
      `The fleet agent at ${this.url} answered garbage: ${fault?.path.join('.')}: ${fault?.message}.`,
    );
  }
}

/** id=host:port, where host may be an IPv6 address in brackets. */
const STATIC_ENTRY = /^(?<id>[^=]+)=(?<address>(?:[^:\s]+|\[[^\]]+\]):\d{1,5})$/;

/** @throws SwarmError bad-request that shows the entry at fault */
export const parseStaticFleet = (list: string): FleetEncoder[] =>
  list.split(',').map((entry) => {
    const { id = '', address = '' } = STATIC_ENTRY.exec(entry.trim())?.groups ?? {};
    if (!idSchema.safeParse(id).success) {
      throw new SwarmError(
        'bad-request',
        `SWARM_ENCODERS holds "${entry.trim()}".`,
        'Write it as id=host:port,id=host:port.',
      );
    }
    return {
      id,
      grpcAddress: address,
      region: '',
      zone: '',
      pid: null,
      state: 'running',
      restarts: 0,
      startedAtMs: 0,
    };
  });
