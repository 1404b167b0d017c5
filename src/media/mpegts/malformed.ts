/** The bytes are not an MPEG transport stream (ISO/IEC 13818-1), or not one that can be read safely. */
export class MalformedTransportStream extends Error {
  override readonly name = 'MalformedTransportStream';
}
