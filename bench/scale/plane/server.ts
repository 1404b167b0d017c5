import express, { type Router } from 'express';
import { z } from 'zod';
import { fleetRoutes, type FleetEncoder } from '../../../src/contracts/fleet';
import { originRoutes } from '../../../src/contracts/origin';
import { relayRoutes } from '../../../src/contracts/relay';
import { sourceRoutes } from '../../../src/contracts/source';
import { serveEncoder } from '../../../src/media/encoder/grpc-server';
import { listen } from '../../../src/platform/http';
import type { Logger } from '../../../src/platform/logger';
import type { Route } from '../../../src/platform/route';
import { cellSchema, channelOfCell, encoderOfCell, encoderOfChannel, sizeOfEncoders } from '../cell';
import { fleetOf, originOf, relayOf, sourceOf } from './routes';
import { SimulatedPlane } from './simulated-plane';

const HOST = '127.0.0.1';
const ZONES = ['a', 'b', 'c'] as const;

const port = z.int().min(0);
export const planeOptionsSchema = cellSchema.extend({
  ports: z.object({ origin: port, relay: port, source: port, fleet: port }),
});
export type PlaneOptions = z.infer<typeof planeOptionsSchema>;

export interface RunningPlane {
  plane: SimulatedPlane;
  ports: PlaneOptions['ports'];
  stop(): Promise<void>;
}

/**
 * Serves the data plane and the encoders of a cell: every channel on air, each encoder with a gRPC server and a port of its
 * own.
 */
export const startPlane = async (options: PlaneOptions, log: Logger): Promise<RunningPlane> => {
  const { ports, ...cell } = options;
  const plane = new SimulatedPlane();
  const fleet: FleetEncoder[] = [];
  const closing: (() => Promise<void>)[] = [];
  for (let i = 0; i < cell.encoders; i += 1) {
    const id = encoderOfCell(i);
    const zone = ZONES[i % ZONES.length] ?? ZONES[0];
    const encoder = plane.addEncoder({ id, zone, ...sizeOfEncoders(cell) });
    const server = await serveEncoder(encoder.methods, { host: HOST, port: 0, log });
    closing.push(() => server.close());
    fleet.push({
      ...{ id, zone, grpcAddress: server.address, region: 'eu', pid: null, state: 'running' },
      ...{ restarts: 0, startedAtMs: plane.startedAtMs },
    });
  }
  for (let i = 0; i < cell.channels; i += 1) plane.putOnAir(channelOfCell(i), encoderOfChannel(i, cell));
  const serve = async (router: Router, routes: readonly Route[], at: number): Promise<number> => {
    const server = await listen(express().use(router), { host: HOST, port: at, routes, log });
    closing.push(() => server.close());
    return server.port;
  };
  const bound = {
    origin: await serve(originOf(plane), originRoutes, ports.origin),
    relay: await serve(relayOf(plane), relayRoutes, ports.relay),
    source: await serve(sourceOf(plane), sourceRoutes, ports.source),
    fleet: await serve(
      fleetOf(() => fleet),
      fleetRoutes,
      ports.fleet,
    ),
  };
  return {
    plane,
    ports: bound,
    stop: async () => void (await Promise.all(closing.map((close) => close()))),
  };
};
