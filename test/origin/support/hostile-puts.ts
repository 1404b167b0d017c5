import { request } from 'node:http';
import { ownerNamed, type Answer } from './origin-client';

/** A segment that begins with its second picture. */
export const withoutFirstPicture = (segment: Buffer): Buffer => {
  const starts: number[] = [];
  for (let at = 0; at < segment.length; at += 188) {
    const pid = ((segment[at + 1]! & 0x1f) << 8) | segment[at + 2]!;
    if (pid === 0x100 && segment[at + 1]! & 0x40) starts.push(at);
  }
  return Buffer.concat([segment.subarray(0, starts[0]), segment.subarray(starts[1])]);
};

/** Puts a body without end, until the origin answers. */
export const putEndlessly = (
  originUrl: string,
  channelId: string,
  gop: number,
  headers: Record<string, string>,
): Promise<Answer<unknown>> =>
  new Promise((resolve, reject) => {
    const { encoderId, sessionId } = ownerNamed('a');
    const url = `${originUrl}/channels/${channelId}/gops/${gop}`;
    const names = { 'x-encoder-id': encoderId, 'x-session-id': sessionId };
    const req = request(url, {
      method: 'PUT',
      headers: {
        'content-type': 'video/mp2t',
        'x-fencing-token': '1',
        'x-renditions': '144p=188',
        ...names,
        ...headers,
      },
    });
    const chunk = Buffer.alloc(64 * 1024, 0x47);
    let answered = false;
    const send = (): void => {
      if (answered) return;
      if (req.write(chunk)) setImmediate(send);
      else req.once('drain', send);
    };
    req.on('response', (res) => {
      answered = true;
      const chunks: Buffer[] = [];
      res.on('data', (part: Buffer) => chunks.push(part));
      res.on('end', () => {
        req.destroy();
        resolve({ status: res.statusCode!, body: JSON.parse(Buffer.concat(chunks).toString()) });
      });
    });
    req.on('error', (error) => {
      if (!answered) reject(error);
    });
    send();
  });
