import { FfmpegProcess } from './ffmpeg-process';
import { LIVE_ANALYSIS_ARGUMENTS, PROBE_ENTRIES, probedFrom, refuseInput } from './probe';
import type { Sender } from './sender';

const LIMIT_MS = 30_000;

/**
 * What a sender sends; nothing of it is lost.
 * @throws SwarmError input-not-video
 */
export const probeSender = async (
  ffprobe: string,
  sender: Sender,
): Promise<ReturnType<typeof probedFrom>> => {
  const args = [
    ...['-v', 'error', '-protocol_whitelist', 'pipe', ...LIVE_ANALYSIS_ARGUMENTS],
    ...['-show_entries', PROBE_ENTRIES, '-of', 'json', '-i', 'pipe:0'],
  ];
  const probe = new FfmpegProcess(ffprobe, args, { input: true });
  const chunks: Buffer[] = [];
  probe.output.on('data', (chunk: Buffer) => chunks.push(chunk));
  const endShow = sender.showTo(probe.input!);
  const limit = setTimeout(() => void probe.end(), LIMIT_MS);
  const code = await probe.exited;
  clearTimeout(limit);
  endShow();
  const what = 'what is sent';
  if (code !== 0) throw refuseInput(what, `ffprobe says "${probe.lastWords}".`);
  let answer: unknown;
  try {
    answer = JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw refuseInput(what, 'ffprobe describes it in a way that is not understood.');
  }
  return probedFrom(answer, what, { list: null, finite: () => false });
};
