import { Command } from 'commander';
import { SwarmError } from '../domain';
import { outliveStandardStreams } from '../platform/lifecycle';
import { onInterrupt } from '../platform/processes/interrupts';
import { wholeNumberOption } from '../platform/terminal/number-option';
import { findOrInstallNginx } from '../setup';
import { startEdge } from './edge';

interface Options {
  origin: string[];
  host: string;
  port: number;
  cacheDir?: string;
  cacheMib: number;
  accessLog?: string;
}

const program = new Command('npm run edge --')
  .description(
    'A cache (nginx) between players and origins: it asks the origin once for what many want, and goes on ' +
      'with what it has while the origin restarts. It holds no state, so run as many as you like.',
  )
  .requiredOption('--origin <urls...>', 'origins that hold the same channels, such as http://10.0.0.5:7702')
  .option('--host <address>', 'address to listen on; 0.0.0.0: all', '127.0.0.1')
  .option('--port <number>', 'port to listen on', wholeNumberOption(1, 65_535), 7780)
  .option('--cache-dir <folder>', 'where segments are kept; default: a folder that goes at the end')
  .option('--cache-mib <number>', 'most that is kept on disk, in MiB', wholeNumberOption(16), 2_048)
  .option('--access-log <file>', 'logs each request, in the combined format of nginx')
  .addHelpText(
    'after',
    '\nExample:\n  npm run edge -- --origin http://127.0.0.1:7702 --port 7780\n  then play http://127.0.0.1:7780/hls/ch-1/index.m3u8',
  );

const run = async (): Promise<void> => {
  outliveStandardStreams();
  const { origin, host, port, cacheDir, cacheMib, accessLog } = program.parse().opts<Options>();
  const aborted = new AbortController();
  let interrupted = (): void => undefined;
  const end = new Promise<void>((resolve) => (interrupted = resolve));
  onInterrupt(() => {
    aborted.abort(new SwarmError('unavailable', 'It was interrupted.'));
    interrupted();
  });
  const tell = (line: string): void => console.error(line);
  const nginx = await findOrInstallNginx({ env: process.env, progress: tell, signal: aborted.signal });
  const edge = await startEdge({
    ...{ nginx: nginx.path, host, port, origins: origin, cacheMiB: cacheMib },
    ...(cacheDir !== undefined && { cacheDir }),
    ...(accessLog !== undefined && { accessLog }),
    onEvent: ({ text }) => tell(text),
  });
  console.log(
    `The edge listens: ${edge.url}/hls/CHANNEL/index.m3u8 (nginx: ${nginx.how}; log: ${edge.logFile})`,
  );
  await end;
  await edge.stop();
};

run().then(
  () => process.exit(0),
  (error: unknown) => {
    const { message, hint } = error as SwarmError;
    console.error(`${message}${hint ? `\nHint: ${hint}` : ''}`);
    process.exit(1);
  },
);
