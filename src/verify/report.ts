/** Faults of one kind that are described in words; the counts are always complete. */
export const MAX_PROBLEMS_PER_KIND = 4;

/** How a rendition compares with what the channel was sent. */
export interface ContributionFigures {
  /** Pictures whose content was compared. */
  framesCompared: number;
  /** Of these, the ones that can't be told from any neighbour through what the encoder changed: their times alone do. */
  framesAlike: number;
  /** Packets (PES) of sound of all tracks, as the contribution has them. */
  soundPacketsCompared: number;
  soundPacketsLost: number;
  /** Published, but not in the contribution there: repeated, changed or of another channel. */
  soundPacketsForeign: number;
  /** Largest change of a packet's time against the pictures. */
  soundOffsetChangeMs: number;
}

/** The stamped sound of a rendition, counted in samples of each speaker; of several builds or speakers, the worst. */
export interface SoundFigures {
  /** Samples that had to be there. */
  samplesChecked: number;
  /** Left out: nothing was heard in their place. */
  samplesLost: number;
  /** Heard again, or more than there was time for. */
  samplesRepeated: number;
  /** Heard, but not proved to be the channel's: silence, other sound, or what a cut has spoilt. */
  samplesInvalid: number;
  /** Change of the distance between sound and picture, by the stamps of both; null where no sound was proved. */
  avOffsetChangeMs: number | null;
  /** What is wrong, in words. */
  problems: string[];
}

export interface PlaylistReport {
  url: string;
  channelId: string;
  rendition: string;
  /** `stamp`: every picture's HMAC and counter. `timestamps`: the container alone, for a channel without stamps. */
  checkedBy: 'stamp' | 'timestamps';
  /** First and last GOP checked. */
  firstGop: number;
  lastGop: number;
  /** Frames of the source clock that had to be there: those of all GOPs checked, without declared gaps. */
  framesChecked: number;
  /** Of these, the ones that no viewer could have seen: missing, or their place taken by something else. */
  framesLost: number;
  /** Frames shown again after they had been shown. */
  framesRepeated: number;
  /** Frames shown that are not genuine (no stamp, wrong HMAC, another channel), or not in their place or time. */
  framesInvalid: number;
  /** GOPs declared absent by EXT-X-GAP. */
  gapsDeclared: number;
  /** Absent where the rendition has no sound that could carry stamps. */
  sound?: Omit<SoundFigures, 'problems'>;
  /** Absent where the contribution was not asked for. */
  contribution?: ContributionFigures;
  /** What is wrong, in words: the first few of each kind. Empty if and only if the playlist passes. */
  problems: string[];
}

export interface VerifyReport {
  /** Every playlist has frames and no problem. */
  ok: boolean;
  framesChecked: number;
  framesLost: number;
  framesRepeated: number;
  framesInvalid: number;
  gapsDeclared: number;
  /** By their stamps: see SoundFigures. 0 where no channel has stamped sound. */
  audioSamplesChecked: number;
  audioSamplesLost: number;
  audioSamplesRepeated: number;
  audioSamplesInvalid: number;
  /** Of the rendition where it changed most. */
  avOffsetChangeMs: number | null;
  /** The builds of ffmpeg that decoded. */
  decoders: string[];
  playlists: PlaylistReport[];
}

/** Adds up the reports of all playlists. */
export const summarise = (playlists: PlaylistReport[], decoders: string[]): VerifyReport => {
  const sum = (count: (report: PlaylistReport) => number): number =>
    playlists.reduce((total, report) => total + count(report), 0);
  const sounds = playlists.flatMap(({ sound }) => sound ?? []);
  const samples = (count: (figures: (typeof sounds)[number]) => number): number =>
    sounds.reduce((total, figures) => total + count(figures), 0);
  const changes = sounds.flatMap(({ avOffsetChangeMs }) => avOffsetChangeMs ?? []);
  return {
    ok: playlists.length > 0 && playlists.every((r) => r.problems.length === 0 && r.framesChecked > 0),
    framesChecked: sum((r) => r.framesChecked),
    framesLost: sum((r) => r.framesLost),
    framesRepeated: sum((r) => r.framesRepeated),
    framesInvalid: sum((r) => r.framesInvalid),
    gapsDeclared: sum((r) => r.gapsDeclared),
    audioSamplesChecked: samples((s) => s.samplesChecked),
    audioSamplesLost: samples((s) => s.samplesLost),
    audioSamplesRepeated: samples((s) => s.samplesRepeated),
    audioSamplesInvalid: samples((s) => s.samplesInvalid),
    avOffsetChangeMs: changes.length > 0 ? Math.max(...changes) : null,
    decoders,
    playlists,
  };
};
