import { protocolArguments } from './input-policy';

/**
 * Arguments with which ffmpeg passes on the bytes of an input as they are, by whatever protocol it reads.
 * @param options.before what stands before the address; `level`: what ffmpeg says on standard error
 */
export const rawInputArguments = (
  url: string,
  { before = [], level = 'error' }: { before?: readonly string[]; level?: 'error' | 'warning' } = {},
): string[] => [
  ...['-hide_banner', '-nostats', '-nostdin', '-v', level, ...protocolArguments(url, false), ...before],
  ...['-f', 'data', '-i', url],
  ...['-map', '0', '-c', 'copy', '-flush_packets', '1', '-f', 'data', 'pipe:1'],
];
