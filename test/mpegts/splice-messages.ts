/** A splice_insert of the examples in SCTE 35 §14.2: its pts_adjustment is 0. */
export const SPLICE_INSERT = Buffer.from(
  '/DAvAAAAAAAA///wFAVIAACPf+/+c2nALv4AUsz1AAAAAAAKAAhDVUVJAAABNWLbowo=',
  'base64',
);
export const SPLICE_PID = 0x1f0;

/** The message in a packet of its own. @param counter its continuity counter */
export const splicePacket = (counter = 0): Buffer => {
  const packet = Buffer.alloc(188, 0xff);
  packet.set([0x47, 0x40 | (SPLICE_PID >> 8), SPLICE_PID & 0xff, 0x10 | (counter & 15), 0]);
  SPLICE_INSERT.copy(packet, 5);
  return packet;
};
