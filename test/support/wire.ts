import type { LedgerEntry, OriginChannel } from '../../src/contracts/origin';
import type { RelayChannel } from '../../src/contracts/relay';
import type { InputFacts, SourceChannel } from '../../src/contracts/source';
import { channelWithDefaults } from '../../src/domain';

/** Answers of parts, whole, for stand-ins of them. */

export const originChannel = (more: Partial<OriginChannel> = {}): OriginChannel => ({
  id: 'ch-1',
  gopDurationTicks: 180_000,
  framesPerSecond: 25,
  token: 1,
  owner: { encoderId: 'enc-1', sessionId: 's-1' },
  nextGop: 10,
  hasPublished: true,
  lastPublishedAtMs: 1_000,
  oldestGop: 0,
  gapsDeclared: 0,
  refusals: {},
  ...more,
});

export const ledgerEntry = (more: Partial<LedgerEntry> = {}): LedgerEntry => ({
  gop: 10,
  token: 1,
  encoderId: 'enc-1',
  sessionId: 's-1',
  publishedAtMs: 1_000,
  sealedAtMs: 900,
  delayMs: 100,
  renditions: [],
  ...more,
});

export const relayChannel = (more: Partial<RelayChannel> = {}): RelayChannel => ({
  id: 'ch-1',
  gopDurationTicks: 180_000,
  oldestGop: 0,
  openGop: 10,
  lastSealedGop: 9,
  nextGop: 10,
  resumeSourceTicks: null,
  unsavedGops: 0,
  ingestConnected: true,
  lastIngestAtMs: 1_000,
  framesIn: 500,
  ...more,
});

/** Of an input of 320x180 at 25 frames/s, unless its picture is another. */
export const inputFacts = (video: Partial<InputFacts['video']> = {}): InputFacts => ({
  video: {
    codec: 'h264',
    widthPx: 320,
    heightPx: 180,
    shownWidthPx: video.widthPx ?? 320,
    shownHeightPx: video.heightPx ?? 180,
    frameRate: '25',
    scan: 'progressive',
    pixelFormat: 'yuv420p',
    carried: 'as-is',
    ...video,
  },
  audio: [],
  data: [],
  finite: true,
  notes: [],
});

export const sourceChannel = (more: Partial<SourceChannel> = {}): SourceChannel => ({
  id: 'ch-1',
  input: channelWithDefaults('ch-1').input,
  state: 'running',
  framesSent: 500,
  startedAtMs: 1_000,
  ...more,
});
