import type { Command } from 'commander';
import { readEnvironment } from '../../config/config';
import { SwarmError } from '../../domain';

export const addCodecServer = (program: Command): void => {
  program
    .command('codec-server')
    .description("decrypt payloads for Temporal's page, on this machine alone; runs until it is ended")
    .addHelpText(
      'after',
      '\nReads SWARM_PAYLOAD_KEYS (or SWARM_STATE_DIR), SWARM_CODEC_PORT, and TEMPORAL_UI_URL: that page alone is answered.\n' +
        'npm start with SWARM_PAYLOAD_CODEC=on runs one, and tells the page of its own Temporal of it. For a Temporal of\n' +
        'your own, set it in the page (the glasses at the top), or start the page with TEMPORAL_CODEC_ENDPOINT.\n' +
        '\nExample:\n  encoder-swarm codec-server',
    )
    .action(async () => {
      const [{ runPart }, { createLogger }, { payloadCodecOf }, { startCodecServer }] = await Promise.all([
        import('../../platform/lifecycle'),
        import('../../platform/logger'),
        import('../../temporal/payload-codec'),
        import('../../temporal/codec-server'),
      ]);
      const environment = readEnvironment();
      const codec = await payloadCodecOf(environment);
      if (!codec) {
        throw new SwarmError(
          'not-found',
          'There is no key, so nothing is encrypted.',
          'Set SWARM_PAYLOAD_CODEC=on for the swarm, or SWARM_PAYLOAD_KEYS to the folder of its keys.',
        );
      }
      const log = createLogger('codec');
      runPart(log, async () => {
        const server = await startCodecServer(codec, {
          port: environment.SWARM_CODEC_PORT,
          environment,
          log,
        });
        log.info({ port: server.port }, 'codec server listens');
        return { stop: () => server.close() };
      });
    });
};
