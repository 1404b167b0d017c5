import type { IncomingMessage } from 'node:http';
import { SwarmError } from '../../domain';
import type { TakenTurn } from '../../platform/turns';

/**
 * Reads a request's body into memory, never more than `maxBytes` of it.
 * @throws SwarmError segment-too-large as soon as that is known; timeout when it does not arrive in time;
 * bad-request when the caller leaves amid it; unavailable when its place goes to another caller
 */
export const readBody = (
  req: IncomingMessage,
  maxBytes: number,
  timeoutMs: number,
  turn: TakenTurn,
): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const tooLarge = (): SwarmError =>
      new SwarmError(
        'segment-too-large',
        `The body is larger than ${maxBytes} bytes.`,
        'Lower the bit rate.',
      );
    if (Number(req.headers['content-length'] ?? 0) > maxBytes) {
      reject(tooLarge());
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      turn.signal.removeEventListener('abort', onDisplaced);
      req.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      if (error) reject(error);
      else resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes));
    };
    const onDisplaced = (): void =>
      settle(new SwarmError('unavailable', 'Others put GOPs faster at the same time.', 'Put it again.'));
    const onData = (chunk: Buffer): void => {
      turn.moved();
      bytes += chunk.length;
      if (bytes > maxBytes) settle(tooLarge());
      else chunks.push(chunk);
    };
    const onEnd = (): void => settle();
    const onClose = (): void =>
      settle(new SwarmError('bad-request', 'The body ended too early.', 'Put it again.'));
    const timer = setTimeout(
      () =>
        settle(new SwarmError('timeout', `The body did not arrive within ${timeoutMs} ms.`, 'Put it again.')),
      timeoutMs,
    );
    turn.signal.addEventListener('abort', onDisplaced);
    req.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });

/**
 * Lets a caller who was refused amid its body finish sending, so that it reads the answer instead of a reset
 * connection; one that goes on for longer than `graceMs` is cut off.
 */
export const discardBody = (req: IncomingMessage, graceMs: number): void => {
  if (req.complete) return;
  const cut = setTimeout(() => req.socket.destroy(), graceMs);
  const stop = (): void => clearTimeout(cut);
  req.once('end', stop).once('close', stop).on('error', stop);
  req.resume();
};
