/** One stretch of encoding history: a channel on an encoder, as means over the stretch. */
export interface EncodingObservation {
  channelId: string;
  encoderId: string;
  /** Nominal encode units of its ladder (pixel rate). */
  units: number;
  /** Cores that its encode used. */
  cpuCores: number;
  /** Bits that the encoder spent per pixel at capped constant quality: how complex the content is. */
  bitsPerPixel: number;
}
