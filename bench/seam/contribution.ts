import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { request } from 'node:http';
import { Readable, type Writable } from 'node:stream';
import { KEEPS_STAMP_ARGUMENTS, type GeneratedSound } from '../../src/media/stamp';

export interface Contribution {
  /** Ends the input and the connections; settles once all is written. Rejects if the input or the relay failed. */
  stop(): Promise<void>;
}

/** Blocks without end, made as they are taken. */
function* blocksOf(sound: GeneratedSound): Generator<Buffer> {
  for (let block = 0; ; block++) yield sound.draw(block);
}

/** Stereo sound from descriptor 3, encoded so that its stamp is kept. */
const soundArguments = {
  input: ['-f', 's16le', '-ar', '48000', '-ac', '2', '-i', 'pipe:3'],
  output: [
    ...['-map', '1:a', '-c:a', 'aac', '-b:a', '192k'],
    ...[...KEEPS_STAMP_ARGUMENTS, '-pes_payload_size', '0'],
  ],
};

/**
 * Sends an input, as it is and at its own pace, to several channels of a relay at once, so that they number the same
 * pictures alike, and keeps what was sent.
 */
export const contribute = (options: {
  ffmpeg: string;
  input: string;
  relayUrl: string;
  channelIds: readonly string[];
  keptIn: string;
  /** In place of the input's own. */
  sound: GeneratedSound | null;
}): Contribution => {
  const { sound } = options;
  const args = [
    ...['-v', 'error', '-nostdin', '-re', '-stream_loop', '-1', '-i', options.input],
    ...(sound ? soundArguments.input : []),
    ...['-map', '0:v:0', '-c', 'copy', ...(sound ? soundArguments.output : ['-map', '0:a?'])],
    ...['-f', 'mpegts', '-omit_video_pes_length', '0'],
    ...['-muxdelay', '0', '-muxpreload', '0', '-flush_packets', '1', 'pipe:1'],
  ];
  const child = spawn(options.ffmpeg, args, { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] });
  const soundPipe = child.stdio[3] as Writable;
  // Closed when ffmpeg ends.
  soundPipe.on('error', () => undefined);
  if (sound) Readable.from(blocksOf(sound), { objectMode: false, highWaterMark: 16_384 }).pipe(soundPipe);
  const kept = createWriteStream(options.keptIn);
  let failure: Error | undefined;
  let over = false;
  const posts = options.channelIds.map((id) => {
    const post = request(`${options.relayUrl}/channels/${id}/ingest?expect_gop=0`, { method: 'POST' });
    post.setNoDelay(true);
    post.on('response', (response) => {
      if (!over) failure ??= new Error(`the relay ended the contribution of ${id}: ${response.statusCode}`);
      response.resume();
    });
    post.on('error', (error) => {
      if (!over) failure ??= error;
    });
    return post;
  });
  child.on('exit', (code, signal) => {
    if (!over) failure ??= new Error(`the input ended: ffmpeg ${signal ?? code}`);
  });
  child.stdout!.on('data', (chunk: Buffer) => {
    for (const out of [kept, ...posts]) out.write(chunk);
  });
  return {
    stop: async () => {
      over = true;
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'close');
      }
      for (const post of posts) post.end();
      kept.end();
      await once(kept, 'close');
      if (failure) throw failure;
    },
  };
};
