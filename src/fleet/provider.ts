import type { FleetEncoder } from '../contracts/fleet';
import { SwarmError, idSchema, type InstalledBuild } from '../domain';

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
   * Restarts an encoder host with a build; sessions that it has end, so drain it first. The same requestId, or
   * the build that it runs already, again: nothing changes.
   * @throws SwarmError unknown-encoder; conflict, not-found: the build is not there (nothing changed), or this fleet
   * can't change builds; encoder-incompatible: it does not start with it, and runs the one before again
   */
  setBuild(encoderId: string, build: InstalledBuild, requestId: string): Promise<FleetEncoder>;
  /** Ends an encoder host; an unknown one counts as ended. */
  deprovision(encoderId: string): Promise<void>;
}

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
