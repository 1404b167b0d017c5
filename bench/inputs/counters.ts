import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readStamp } from '../../src/media/stamp';

const SIZE = { widthPx: 320, heightPx: 180 };

export interface CounterFigures {
  framesChecked: number;
  framesMissing: number;
  framesRepeated: number;
  framesInvalid: number;
}

const decoded = async (ffmpeg: string, media: Buffer): Promise<Buffer> => {
  const args = ['-v', 'error', '-f', 'mpegts', '-i', 'pipe:0', '-vsync', 'passthrough', '-map', '0:v:0'];
  const child = spawn(ffmpeg, [...args, '-f', 'rawvideo', '-pix_fmt', 'gray', 'pipe:1'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on('error', () => undefined);
  child.stdin.end(media);
  await once(child, 'close');
  return Buffer.concat(chunks);
};

/** What the pictures of a published rendition prove to be, counted from the first of them. */
export const countersOf = async (options: {
  ffmpeg: string;
  /** Of a rendition of 320x180 whose playlist holds all that was published. */
  playlistUrl: URL;
  key: Buffer;
  channelId: string;
}): Promise<CounterFigures> => {
  const { ffmpeg, playlistUrl, key, channelId } = options;
  const playlist = await (await fetch(playlistUrl)).text();
  const segments: Buffer[] = [];
  for (const uri of playlist.split('\n').filter((line) => line !== '' && !line.startsWith('#')))
    segments.push(Buffer.from(await (await fetch(new URL(uri, playlistUrl))).arrayBuffer()));
  const luma = await decoded(ffmpeg, Buffer.concat(segments));
  const figures = { framesChecked: 0, framesMissing: 0, framesRepeated: 0, framesInvalid: 0 };
  const pictureBytes = SIZE.widthPx * SIZE.heightPx;
  let due: number | null = null;
  for (let at = 0; at + pictureBytes <= luma.length; at += pictureBytes) {
    const picture = luma.subarray(at, at + pictureBytes);
    const read = readStamp(picture, SIZE.widthPx, SIZE.heightPx, key, channelId);
    figures.framesChecked += 1;
    if (!read.ok) {
      figures.framesInvalid += 1;
      continue;
    }
    if (due !== null && read.frame > due) figures.framesMissing += read.frame - due;
    if (due !== null && read.frame < due) figures.framesRepeated += 1;
    due = Math.max(due ?? 0, read.frame + 1);
  }
  return figures;
};
