import { spawn } from 'node:child_process';

const POLL_MS = 250;
const running = new Set();

const endAll = () => {
  for (const child of running) child.kill();
  process.exit(1);
};

/** Called first by the program: what it has started ends with it. */
export const endChildrenWithUs = () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, endAll);
  // npm keeps a SIGTERM to itself. What goes on by itself would meet the next start.
  const parentPid = process.ppid;
  setInterval(() => process.ppid !== parentPid && endAll(), POLL_MS).unref();
};

/** As `spawn`, for a child that ends with this process. */
export const spawnChild = (command, args, options) => {
  const child = spawn(command, args, options);
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
};
