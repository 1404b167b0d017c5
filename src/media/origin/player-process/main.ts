import { SwarmError, type ErrorBody } from '../../../domain';
import { keepFilesOwn, outliveStandardStreams } from '../../../platform/lifecycle';
import { createLogger } from '../../../platform/logger';
import { listenToPlayers, type PlayersListener } from './listener';
import type { FromPlayers, ToPlayers } from './messages';

/**
 * Program of the process that answers players for an origin. The origin starts it, tells it all that it knows, and is the only
 * one that ends it: with it ends the channel to it, and so this process.
 */
const log = createLogger('origin-players');
let listener: PlayersListener | undefined;

const tell = (message: FromPlayers): void => {
  if (process.connected) process.send!(message, undefined, undefined, () => undefined);
};

const bodyOf = (error: unknown): ErrorBody =>
  (error instanceof SwarmError ? error : new SwarmError('internal', (error as Error).message)).toBody();

const take = async (message: ToPlayers): Promise<void> => {
  if (message.kind === 'listen') {
    try {
      listener = await listenToPlayers(message.options, log);
      tell({ kind: 'listening', port: listener.port });
    } catch (error) {
      tell({ kind: 'failed', error: bodyOf(error) });
    }
  } else if (message.kind === 'audience') {
    tell({ kind: 'audience', question: message.question, viewers: listener?.viewers() ?? [] });
  } else if (message.kind === 'stop') {
    await listener?.close();
    process.exit(0);
  } else {
    if (message.kind === 'news') listener?.mirror.take(message.news);
    else listener?.mirror.takeAhead(message.id, message.records, message.isFirst);
    tell({ kind: 'taken' });
  }
};

const fail = (error: unknown): void => {
  try {
    log.fatal({ err: error }, error instanceof Error ? error.message : String(error));
  } finally {
    process.exit(1);
  }
};

outliveStandardStreams();
keepFilesOwn();
process.on('uncaughtException', fail).on('unhandledRejection', fail);
// Whoever signals the whole group means the origin, which says when it is time.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit(0));
process.on('message', (message: ToPlayers) => void take(message));
