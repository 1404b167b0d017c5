import { SingleBar } from 'cli-progress';

const STEPS_PER_BUILD = 100;

/** Shows people at a terminal how far the probes are. Nothing in pipes. */
export const createProbeProgress = (options: {
  hidden: boolean;
  builds: number;
}): { shown: boolean; update: (builds: number, name: string) => void; stop: () => void } => {
  if (options.hidden || options.builds === 0 || !process.stderr.isTTY) {
    return { shown: false, update: () => undefined, stop: () => undefined };
  }
  const format = 'Probing  [{bar}] {name} {duration_formatted}';
  const bar = new SingleBar({ format, hideCursor: true, stream: process.stderr });
  bar.start(options.builds * STEPS_PER_BUILD, 0, { name: '' });
  return {
    shown: true,
    update: (builds, name) => bar.update(Math.round(builds * STEPS_PER_BUILD), { name }),
    stop: () => bar.stop(),
  };
};
