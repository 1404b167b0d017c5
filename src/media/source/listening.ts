import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { SwarmError } from '../../domain';
import { digestOf, equalDigests } from '../../platform/gate';
import { FfmpegProcess } from './ffmpeg-process';
import { schemeOf } from './input-policy';
import { pathOf } from './probe';
import { rawInputArguments } from './raw-input';
import { Sender } from './sender';

/** How an input waits for who sends it; null: it is opened, as often as is wanted. */
export type ListeningKind = 'srt' | 'rtmp' | 'pipe' | 'push';

export const listeningKindOf = async (url: string): Promise<ListeningKind | null> => {
  const byUrl = kindByUrl(url);
  if (byUrl !== null) return byUrl;
  const found = await stat(pathOf(url)).catch(() => null);
  return found?.isFIFO() ? 'pipe' : null;
};

const kindByUrl = (url: string): Exclude<ListeningKind, 'pipe'> | null => {
  const scheme = schemeOf(url);
  if (scheme === 'push') return 'push';
  if (scheme === 'file' || !URL.canParse(url)) return null;
  const { searchParams } = new URL(url);
  if (scheme === 'srt' && searchParams.get('mode') === 'listener') return 'srt';
  return scheme === 'rtmp' && searchParams.get('listen') === '1' ? 'rtmp' : null;
};

/** What ffmpeg says of the stream's name that a sender of RTMP gives, where it expects another one. */
const NAME_GIVEN = /Unexpected stream (\S+), expecting/;
/** Output and words of ffmpeg come by two ways. */
const WORDS_LATER_MS = 100;

/**
 * Listens until somebody sends. ffmpeg takes one connection, and its bytes are the input.
 * @param signal gives up
 * @throws SwarmError input-ended where it can't listen; forbidden where the key of a sender is another
 */
export const listenFor = async (
  ffmpegPath: string,
  url: string,
  kind: Exclude<ListeningKind, 'push'>,
  signal: AbortSignal,
): Promise<Sender> => {
  const rtmp = kind === 'rtmp' ? rtmpOf(url) : null;
  const args = rtmp
    ? rawInputArguments(rtmp.url, { before: ['-listen', '1'], level: 'warning' })
    : rawInputArguments(kind === 'pipe' ? pathOf(url) : url);
  const ffmpeg = new FfmpegProcess(ffmpegPath, args, { hidesNothing: rtmp !== null });
  const giveUp = (): void => void ffmpeg.end();
  signal.addEventListener('abort', giveUp, { once: true });
  if (signal.aborted) giveUp();
  const first = new Promise<'sends'>((resolve) => ffmpeg.output.once('readable', () => resolve('sends')));
  const outcome = await Promise.race([first, ffmpeg.exited]);
  if (outcome !== 'sends' || ffmpeg.output.readableLength === 0) {
    signal.removeEventListener('abort', giveUp);
    throw new SwarmError(
      'input-ended',
      signal.aborted ? 'Nobody has connected.' : `Nobody could connect: ${hidden(ffmpeg.lastWords, rtmp)}`,
      'Check that its port is free.',
    );
  }
  if (rtmp) {
    await new Promise((resolve) => setTimeout(resolve, WORDS_LATER_MS));
    const given = NAME_GIVEN.exec(ffmpeg.words)?.[1];
    if (given === undefined || !equalDigests(digestOf(given), digestOf(rtmp.key))) {
      await ffmpeg.end();
      throw new SwarmError(
        'forbidden',
        'A sender had another key than that of the channel, and was refused.',
        'Give it the key at the end of the input.',
      );
    }
  }
  signal.removeEventListener('abort', giveUp);
  return new Sender(ffmpeg.output, giveUp, ffmpeg.exited);
};

/**
 * An RTMP address to listen at, without its key: that would be seen in the list of processes. ffmpeg takes any key and
 * says which it was, as it expects none that anybody has.
 */
const rtmpOf = (url: string): { url: string; key: string } => {
  const parsed = new URL(url);
  const parts = parsed.pathname.split('/').filter(Boolean);
  const key = parts.pop() ?? '';
  parsed.search = '';
  parsed.pathname = `/${[...parts, randomBytes(12).toString('hex')].join('/')}`;
  return { url: parsed.toString(), key };
};

const hidden = (words: string, rtmp: { key: string } | null): string =>
  (rtmp?.key ? words.replaceAll(rtmp.key, '***') : words).replace(NAME_GIVEN, 'Unexpected stream');
