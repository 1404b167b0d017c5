import { crcOf } from '../../src/media/mpegts/tables';

/** A splice_insert of the examples in SCTE 35 §14.2: its pts_adjustment is 0. */
export const SPLICE_INSERT = Buffer.from(
  '/DAvAAAAAAAA///wFAVIAACPf+/+c2nALv4AUsz1AAAAAAAKAAhDVUVJAAABNWLbowo=',
  'base64',
);

/** The same with private descriptors after those it has: 300 bytes, longer than a packet. */
export const longSplice = (): Buffer => {
  const extra = Buffer.from([
    ...[0x80, 123, ...Buffer.from('TEST')],
    ...Array.from({ length: 119 }, (_, i) => i),
  ]);
  const [head, tail] = [SPLICE_INSERT.subarray(0, -4), Buffer.alloc(4)];
  const section = Buffer.concat([head, extra, extra, tail]);
  section.writeUInt16BE(0x3000 | (section.length - 3), 1);
  // descriptor_loop_length stands in front of the one descriptor of 10 bytes.
  section.writeUInt16BE(10 + 2 * extra.length, SPLICE_INSERT.length - 4 - 10 - 2);
  section.writeUInt32BE(crcOf(section.subarray(0, -4)), section.length - 4);
  return section;
};
export const SPLICE_PID = 0x1f0;

/** The message in a packet of its own. @param counter its continuity counter */
export const splicePacket = (counter = 0): Buffer => {
  const packet = Buffer.alloc(188, 0xff);
  packet.set([0x47, 0x40 | (SPLICE_PID >> 8), SPLICE_PID & 0xff, 0x10 | (counter & 15), 0]);
  SPLICE_INSERT.copy(packet, 5);
  return packet;
};

/** Beginning and end of a placement opportunity, of the same examples (§14.1 and §14.3). */
export const TIME_SIGNAL_START = Buffer.from(
  '/DA0AAAAAAAA///wBQb+cr0AUAAeAhxDVUVJSAAAjn/PAAGlmbAICAAAAAAsoKGKNAIAmsnRfg==',
  'base64',
);
export const TIME_SIGNAL_END = Buffer.from(
  '/DAvAAAAAAAA///wBQb+dGKQoAAZAhdDVUVJSAAAjn+fCAgAAAAALKChijUCAKnMZ1g=',
  'base64',
);
