import { createServer, type Server } from 'node:net';
import { PORTS_IN_A_BASE } from '../../src/setup/ports';

/**
 * Below the ports that Linux hands to clients (32768 and up): one of those may become the local end of anybody's
 * connection between the moment a test finds it free and the moment its process listens there. Above the defaults
 * of the swarm and of its benches.
 */
const FIRST_PORT = 22_000;
const LAST_PORT = 31_999;
const BLOCK = 50;
/** The last port of a block. Whoever listens there owns the block until its process ends. */
const CLAIM_OFFSET = BLOCK - 1;

const listen = (port: number): Promise<Server | null> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server));
  });

const isFree = async (port: number): Promise<boolean> => {
  const server = await listen(port);
  if (!server) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
};

const areFree = async (base: number, count: number): Promise<boolean> => {
  for (let port = base; port < base + count; port++) if (!(await isFree(port))) return false;
  return true;
};

/**
 * The first of PORTS_IN_A_BASE ports that nobody uses, and that no other test takes while this process lives: Jest's
 * workers run side by side, and a run may have a neighbour.
 */
export const claimPortBase = async (): Promise<number> => {
  for (let base = FIRST_PORT; base + BLOCK <= LAST_PORT + 1; base += BLOCK) {
    const claim = await listen(base + CLAIM_OFFSET);
    if (!claim) continue;
    claim.unref();
    if (await areFree(base, PORTS_IN_A_BASE)) return base;
    await new Promise((resolve) => claim.close(resolve));
  }
  throw new Error(`No ${PORTS_IN_A_BASE} free ports in a row from ${FIRST_PORT} to ${LAST_PORT}.`);
};

let next = 0;
let end = 0;

/** A port of a block of this test file: each is given once. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    if (next === end) {
      next = await claimPortBase();
      end = next + PORTS_IN_A_BASE;
    }
    const port = next++;
    if (await isFree(port)) return port;
  }
};
