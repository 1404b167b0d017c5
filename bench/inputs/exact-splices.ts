import { SPLICE_TOLERANCE_TICKS } from '../../src/domain';
import { inspectSegment, parseSplice, wrapTicks } from '../../src/media/mpegts';

const FRAME_TICKS = 3_600;
const TAG = /^#EXT-X-DATERANGE:ID="([^"]*)".*SCTE35-(OUT|IN)=0x([0-9A-F]+)$/;

/** A splice as the playlist of one rendition has it. */
interface Seen {
  key: string;
  isExact: boolean;
}

/** Reads the messages in a playlist, and whether the segment behind each begins with an IDR picture at its time. */
const splicesIn = async (url: string): Promise<Seen[]> => {
  const text = await (await fetch(`${url}?window_s=3600`)).text();
  const lines = text.split('\n');
  const found: Seen[] = [];
  for (const [index, line] of lines.entries()) {
    const [, id, side, hex] = TAG.exec(line) ?? [];
    if (hex === undefined) continue;
    const message = parseSplice(Buffer.from(hex, 'hex'));
    const uri = lines.slice(index).find((l) => l !== '' && !l.startsWith('#'))!;
    const segment = Buffer.from(await (await fetch(new URL(uri, url))).arrayBuffer());
    const { beginsWithIdr, videoPtsTicks } = inspectSegment(segment);
    const named = 'ptsTicks' in message ? (message.ptsTicks ?? -1) : -1;
    const late = wrapTicks(videoPtsTicks[0]! - named + SPLICE_TOLERANCE_TICKS);
    found.push({ key: `${id}/${side}`, isExact: beginsWithIdr && late < FRAME_TICKS });
  }
  return found;
};

/**
 * The splices of a channel that all of its renditions list, and how many of them are exact in all: the segment is cut
 * there, and begins with an IDR picture that is the first one from the time in the message on.
 * @param most how many are looked at, the first ones
 */
export const exactSplices = async (
  urls: readonly string[],
  most: number,
): Promise<{ listed: number; exact: number }> => {
  const byRendition = await Promise.all(urls.map(splicesIn));
  const keys = new Set([...new Set(byRendition.flat().map(({ key }) => key))].slice(0, most));
  const isExact = (key: string): boolean =>
    byRendition.every((seen) => seen.some((s) => s.key === key && s.isExact));
  return { listed: keys.size, exact: [...keys].filter(isExact).length };
};
