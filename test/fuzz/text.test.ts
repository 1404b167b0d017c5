import { readEnvironment, environmentSchema } from '../../src/config/config';
import { SwarmError, channelSpecSchema } from '../../src/domain';
import { channelWithDefaults } from '../../src/domain/default-channels';
import { parseDurationSeconds } from '../../src/platform/duration';
import { parseOrRefuse } from '../../src/platform/http';
import { portsFor } from '../../src/setup';
import { mediaPlaylistIdentity, parsePlaylist } from '../../src/verify/playlist';
import fc from '../support/fast-check';
import { fuzz, spoilt, spoiltJson } from './fuzz';

const orRefused = (act: () => void): void => {
  try {
    act();
  } catch (error) {
    if (!(error instanceof SwarmError)) throw error;
    expect(error.code).toBe('bad-request');
    expect(error.message.length).toBeGreaterThan(10);
  }
};

const mediaPlaylist = [
  '#EXTM3U',
  '#EXT-X-VERSION:8',
  '#EXT-X-TARGETDURATION:2',
  '#EXT-X-MEDIA-SEQUENCE:7',
  '#EXT-X-DISCONTINUITY-SEQUENCE:0',
  '#EXT-X-PROGRAM-DATE-TIME:2026-11-22T10:00:00.000Z',
  '#EXTINF:2.000000,',
  '7.ts?v=0123456789ab',
  '#EXT-X-DISCONTINUITY',
  '#EXT-X-GAP',
  '#EXTINF:2.000000,',
  '8.ts',
  '',
].join('\n');
const masterPlaylist =
  '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=400000,CODECS="avc1.4d401e",RESOLUTION=320x180\n180p/index.m3u8\n';

it.each([
  ['media', mediaPlaylist],
  ['master', masterPlaylist],
])('a spoilt %s playlist is read, or refused by the verifier', (_kind, text) =>
  fuzz(spoilt(Buffer.from(text)), (bytes) => {
    orRefused(() => {
      const url = new URL('http://origin/hls/ch-1/180p/index.m3u8');
      const playlist = parsePlaylist(bytes.toString('utf8'), url);
      if (playlist.kind === 'master')
        for (const each of playlist.renditionUrls) mediaPlaylistIdentity(new URL(each));
      else {
        expect(playlist.targetDurationSeconds).toBeGreaterThanOrEqual(0);
        for (const segment of playlist.segments)
          for (const url of segment.urls) expect(URL.canParse(url)).toBe(true);
      }
    });
  }),
);

it('a strange environment is read, or refused with the names of its variables', () => {
  const names = Object.keys(environmentSchema.shape);
  const value = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '',
      '-1',
      '0',
      '99999999',
      'NaN',
      '1e3',
      'http://',
      'ftp://x',
      ' ',
      '\u0000',
      '0x10',
      'null',
    ),
  );
  return fuzz(fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 6 }), (variables) => {
    try {
      const read = readEnvironment(variables);
      for (const name of names.filter((n) => n.endsWith('_PORT')))
        // Two of them listen only where they are set.
        expect(read[name as 'SWARM_API_PORT'] ?? 1).toBeGreaterThan(0);
      for (const limit of [read.SWARM_RING_SECONDS, read.SWARM_RETENTION_MIB])
        expect(limit).toBeGreaterThan(0);
    } catch (error) {
      expect((error as Error).message).toMatch(/^Bad environment: \w+.*Hint: /s);
    }
  });
});

it('ports and durations are read, or refused', () =>
  fuzz(fc.tuple(fc.string({ maxLength: 8 }), fc.double()), ([text, number]) => {
    orRefused(() => void portsFor(undefined, { SWARM_API_PORT: text }));
    orRefused(() => void portsFor(number, {}));
    orRefused(() => expect(parseDurationSeconds(text)).toBeGreaterThan(0));
  }));

it('a strange channel is read, or refused with the names of its fields', () =>
  fuzz(spoiltJson({ ...channelWithDefaults('ch-1') }), (value) => {
    orRefused(() => void parseOrRefuse(channelSpecSchema, value, 'channel'));
  }));
