import { z } from 'zod';
import { idSchema, installedBuildSchema, type InstalledBuild } from '../domain';
import { HEALTH_ROUTE, type Route } from '../platform/route';
import { callJson, noContent, type CallInit } from './call';

/** What crosses the wire to and from a fleet agent (docs/reference/protocols/fleet-agent.md). */

export const fleetRoutes: readonly Route[] = [
  HEALTH_ROUTE,
  { method: 'GET', path: '/encoders', access: 'part' },
  { method: 'POST', path: '/encoders', access: 'part' },
  { method: 'PUT', path: '/encoders/:id/build', access: 'part' },
  { method: 'DELETE', path: '/encoders/:id', access: 'part' },
];

/** An encoder host as the one who runs it knows it. */
export const fleetEncoderSchema = z.object({
  id: idSchema,
  /** host:port */
  grpcAddress: z.string().min(3),
  region: z.string(),
  zone: z.string(),
  pid: z.int().positive().nullable(),
  state: z.enum(['starting', 'running', 'restarting', 'stopped']),
  restarts: z.int().min(0),
  /** Wall clock, milliseconds since 1970. */
  startedAtMs: z.number(),
  /** The build that was set for it; absent: the machine's own ffmpeg. */
  buildId: idSchema.optional(),
});
export type FleetEncoder = z.infer<typeof fleetEncoderSchema>;

const requestIdSchema = z.string().min(1).max(200);

/** Body of POST /encoders. */
export const provisionSchema = z.strictObject({
  requestId: requestIdSchema,
  zone: z.string().min(1).max(41).optional(),
  build: installedBuildSchema.optional(),
});
export type ProvisionRequest = z.infer<typeof provisionSchema>;

/** Body of PUT /encoders/:id/build. */
export const setBuildSchema = z.strictObject({ requestId: requestIdSchema, build: installedBuildSchema });
export type SetBuildRequest = z.infer<typeof setBuildSchema>;

const LIST_LIMIT_MS = 3_000;
const PROVISION_LIMIT_MS = 40_000;
/** A host that does not start with the new build is started once more with the old one. */
const SET_BUILD_LIMIT_MS = 75_000;
const DEPROVISION_LIMIT_MS = 15_000;

/** The fleet agent of a machine, over HTTP; as a FleetProvider. */
export class FleetAgentClient {
  readonly canProvision = true;

  constructor(private readonly url: string) {}

  list(): Promise<FleetEncoder[]> {
    return this.ask(z.array(fleetEncoderSchema), '/encoders', { timeoutMs: LIST_LIMIT_MS });
  }

  provision(requestId: string, zone?: string, build?: InstalledBuild): Promise<FleetEncoder> {
    const json: ProvisionRequest = {
      requestId,
      ...(zone !== undefined && { zone }),
      ...(build && { build }),
    };
    return this.ask(fleetEncoderSchema, '/encoders', {
      method: 'POST',
      json,
      timeoutMs: PROVISION_LIMIT_MS,
    });
  }

  async deprovision(encoderId: string): Promise<void> {
    const path = `/encoders/${encodeURIComponent(encoderId)}`;
    await this.ask(noContent, path, { method: 'DELETE', timeoutMs: DEPROVISION_LIMIT_MS });
  }

  setBuild(encoderId: string, build: InstalledBuild, requestId: string): Promise<FleetEncoder> {
    const json: SetBuildRequest = { requestId, build };
    return this.ask(fleetEncoderSchema, `/encoders/${encodeURIComponent(encoderId)}/build`, {
      method: 'PUT',
      json,
      timeoutMs: SET_BUILD_LIMIT_MS,
    });
  }

  private ask<T extends z.ZodType>(schema: T, path: string, init: CallInit): Promise<z.output<T>> {
    return callJson(`${this.url}${path}`, schema, { ...init, part: 'fleet agent' });
  }
}
