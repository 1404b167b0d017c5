import type { Environment } from '../config/config';
import { FleetAgentClient } from '../contracts/fleet';
import { StaticFleet, parseStaticFleet, type FleetProvider } from './provider';
import { SimulatedFleet, parseSimulatedFleet } from './simulated-fleet';

/**
 * The fleet of this environment: the list in SWARM_ENCODERS if there is one, else the local fleet agent; behind a
 * simulated cloud where SWARM_FLEET_SIMULATED says so.
 * A static encoder has an empty region and zone: it tells them itself (Describe).
 * @throws SwarmError bad-request when one of them is malformed
 */
export const createFleetProvider = (environment: Environment): FleetProvider => {
  const fleet = environment.SWARM_ENCODERS
    ? new StaticFleet(parseStaticFleet(environment.SWARM_ENCODERS))
    : new FleetAgentClient(environment.SWARM_FLEET_URL);
  const simulated = environment.SWARM_FLEET_SIMULATED;
  return simulated ? new SimulatedFleet(fleet, parseSimulatedFleet(simulated)) : fleet;
};
