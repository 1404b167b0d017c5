import { createHash } from 'node:crypto';
import { TICKS_PER_SECOND } from '../domain';
import {
  TransportStreamReader,
  elementaryStreamOf,
  parseTables,
  unwrapTicks,
  type PesUnit,
} from '../media/mpegts';

/** A coded picture, in the order of decoding. */
export interface PictureFact {
  ptsTicks: number;
  dtsTicks: number;
  bytes: number;
  /** It carries CEA-608 or CEA-708 captions. */
  hasCaptions: boolean;
}

/** A unit of sound. */
/** A GOP holds the sound up to the DTS of the next one, which may be this much before its first picture. */
export const SOUND_AHEAD_TICKS = TICKS_PER_SECOND / 2;

export interface SoundFact {
  /** Number of its track: see FactsReader. */
  track: number;
  ptsTicks: number;
  sha256: string;
  /** Samples of each of its channels; null where it is not AAC in ADTS. */
  samples: number | null;
  /** Null where it is not AAC in ADTS. */
  format: AdtsFormat | null;
}

export interface StreamFacts {
  pictures: PictureFact[];
  sound: SoundFact[];
}

/** user_data_registered_itu_t_t35 of ATSC A/53: the bytes by which captions are known. */
const CAPTIONS = Buffer.from('GA94', 'latin1');
const AAC_FRAME_SAMPLES = 1_024;

/** Samples per channel in whole ADTS frames (ISO/IEC 13818-7 §6.2); null if the bytes are something else. */
export const adtsSamples = (stream: Buffer): number | null => {
  let samples = 0;
  let at = 0;
  while (at + 7 <= stream.length) {
    if (stream[at] !== 0xff || (stream[at + 1]! & 0xf6) !== 0xf0) return null;
    const bytes = ((stream[at + 3]! & 3) << 11) | (stream[at + 4]! << 3) | (stream[at + 5]! >> 5);
    if (bytes < 7) return null;
    samples += AAC_FRAME_SAMPLES * (1 + (stream[at + 6]! & 3));
    at += bytes;
  }
  return at === stream.length && at > 0 ? samples : null;
};

export interface AdtsFormat {
  sampleRateHz: number;
  /** 0 where it is told elsewhere. */
  channels: number;
}

const ADTS_RATES_HZ = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];

/** What the header of the first ADTS frame says. Only where `adtsSamples` is not null. */
const adtsFormat = (stream: Buffer): AdtsFormat => ({
  sampleRateHz: ADTS_RATES_HZ[(stream[2]! >> 2) & 0x0f] ?? 0,
  channels: ((stream[2]! & 1) << 2) | (stream[3]! >> 6),
});

/** Reads what a transport stream holds. Times are unwrapped near `nearTicks`. */
export class FactsReader {
  readonly facts: StreamFacts = { pictures: [], sound: [] };
  private readonly reader = new TransportStreamReader({
    onUnit: (unit) => this.take(unit),
    onTables: (packets) => this.takeTables(packets),
  });
  /** By PID: number of the track, in the order of the programme map, without the picture. */
  private readonly tracks = new Map<number, number>();

  constructor(private nearTicks: number) {}

  push(chunk: Buffer): void {
    this.reader.push(chunk);
  }

  end(): StreamFacts {
    this.reader.flush();
    return this.facts;
  }

  private takeTables(packets: Buffer): void {
    const others = parseTables(packets).streams.filter(({ kind }) => kind !== 'video');
    others.forEach(({ pid }, index) => this.tracks.set(pid, index));
  }

  private take(unit: PesUnit): void {
    const ptsTicks = unwrapTicks(unit.ptsTicks, this.nearTicks);
    const elementary = elementaryStreamOf(unit);
    if (unit.kind === 'video') {
      const dtsTicks = unwrapTicks(unit.dtsTicks, this.nearTicks);
      this.nearTicks = dtsTicks;
      const hasCaptions = elementary.includes(CAPTIONS);
      this.facts.pictures.push({ ptsTicks, dtsTicks, bytes: elementary.length, hasCaptions });
    }
    const track = unit.kind === 'audio' ? this.tracks.get(unit.pid) : undefined;
    if (track === undefined) return;
    const sha256 = createHash('sha256').update(elementary).digest('hex');
    const samples = adtsSamples(elementary);
    const format = samples === null ? null : adtsFormat(elementary);
    this.facts.sound.push({ track, ptsTicks, sha256, samples, format });
  }
}
