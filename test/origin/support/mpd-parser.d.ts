declare module 'mpd-parser' {
  export interface DashSegment {
    resolvedUri: string;
    duration: number;
    /** Seconds. */
    presentationTime: number;
    map: { resolvedUri: string };
    timeline: number;
  }
  export interface DashPlaylist {
    attributes: Record<string, unknown> & { NAME: string; CODECS: string; BANDWIDTH: number };
    segments: DashSegment[];
    discontinuityStarts: number[];
  }
  export interface DashManifest {
    playlists: DashPlaylist[];
    minimumUpdatePeriod: number;
    suggestedPresentationDelay: number;
    mediaGroups: {
      AUDIO: Record<string, Record<string, { language: string; playlists: DashPlaylist[] }>>;
    };
  }
  export function parse(text: string, options: { manifestUri: string; NOW?: number }): DashManifest;
  export function parseUTCTiming(
    text: string,
    manifestUri: string,
  ): { method: string; value: string | number } | null;
}
