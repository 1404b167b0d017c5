const HEADER_BYTES = 8;

/** A box of MP4 (ISO/IEC 14496-12, 4.2) in the bytes that it is part of. */
export interface Box {
  type: string;
  /** Behind its length and type. */
  content: number;
  end: number;
}

/** The boxes of these bytes and of the `containers` among them, in order; up to one that is none. */
export function* boxesIn(
  media: Uint8Array,
  containers: ReadonlySet<string>,
  from = 0,
  to = media.length,
): Generator<Box> {
  const view = new DataView(media.buffer, media.byteOffset, media.byteLength);
  for (let at = from; at + HEADER_BYTES <= to;) {
    const size = view.getUint32(at);
    if (size < HEADER_BYTES) return;
    const content = at + HEADER_BYTES;
    const type = String.fromCharCode(...media.subarray(at + 4, content));
    if (containers.has(type)) yield* boxesIn(media, containers, content, at + size);
    else yield { type, content, end: at + size };
    at += size;
  }
}
