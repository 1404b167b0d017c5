import { writeFile, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  TransportStreamReader,
  parseTables,
  type PesUnit,
  type ProgrammeTables,
} from '../../src/media/mpegts';
import { type RelayUnderTest } from '../relay/relay-under-test';
import { untilAnswer } from '../support/until';
import { framesOf, picture, specOf, tone, makeInputFiles, type InputFiles } from './inputs';
import { startRelayAndSource, type SourceUnderTest } from './source-under-test';

const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25', '-pix_fmt', 'yuv420p'];

/** ISO/IEC 13818-1, table 2-34: AAC in ADTS. */
const AAC_STREAM_TYPE = 0x0f;

/** channel_configuration of the ADTS header that follows the PES header. */
const channelsOf = ({ packets }: PesUnit): number => {
  const header = packets.indexOf(Buffer.from([0xff, 0xf1]));
  return ((packets[header + 2]! & 1) << 2) | (packets[header + 3]! >> 6);
};

let files: InputFiles;
makeInputFiles((made) => (files = made));

describe('the tracks of an input', () => {
  let relay: RelayUnderTest;
  let source: SourceUnderTest;
  startRelayAndSource('all', (r, s) => {
    relay = r;
    source = s;
  });

  const notesOf = async (id: string): Promise<string[]> =>
    (await source.list()).find((channel) => channel.id === id)?.notes ?? [];

  /** Units and last tables of GOPs 0 to `gops` - 1; the channel is removed. */
  const contributionOf = async (id: string, gops: number) => {
    const response = await fetch(relay.feedUrl(id, 0));
    const ledgers = [];
    for (let gop = 0; gop < gops; gop++) ledgers.push(await relay.ledger(id, gop, 10_000));
    await source.remove(id);
    const units: PesUnit[] = [];
    let tables: ProgrammeTables | undefined;
    const reader = new TransportStreamReader({
      onUnit: (unit) => units.push(unit),
      onTables: (packets) => {
        tables = parseTables(packets);
      },
    });
    reader.push(Buffer.from(await response.arrayBuffer()));
    const first = units.find((unit) => unit.kind === 'video')!.ptsTicks;
    /** Seconds after the first picture at which a track begins. */
    const beginOf = (pid: number): number =>
      (units.find((unit) => unit.pid === pid)!.ptsTicks - first) / 90_000;
    return { units, ledgers, streams: tables!.streams, beginOf };
  };

  it('in several languages all come, each with its name', async () => {
    const url = await files.make(
      'lang.ts',
      ...[...picture('160x90', 25, 6), ...tone(6), ...tone(6), ...tone(6)],
      ...['-map', '0', '-map', '1', '-map', '2', '-map', '3', ...h264],
      ...['-c:a:0', 'aac', '-c:a:1', 'mp2', '-c:a:2', 'ac3', '-ac:a:2', '6'],
      ...['-metadata:s:a:0', 'language=deu', '-metadata:s:a:1', 'language=eng'],
      ...['-metadata:s:a:2', 'language=fra'],
    );
    const { notes } = await source.put('lang', specOf(url, { soundCodec: 'as-is' }));
    expect(notes).toEqual([]);
    const { streams, units } = await contributionOf('lang', 2);
    expect(streams.map(({ kind }) => kind)).toEqual(['video', 'audio', 'audio', 'audio']);
    // ISO 639 language descriptors.
    const languages = streams.map(
      ({ descriptors }) => /deu|eng|fra/.exec(descriptors.toString('latin1'))?.[0],
    );
    expect(languages).toEqual([undefined, 'deu', 'eng', 'fra']);
    expect(new Set(units.map(({ pid }) => pid))).toEqual(new Set(streams.map(({ pid }) => pid)));
  });

  it.each([
    ['copied', 'mp4', ['-c:a', 'aac'], 2.5],
    ['encoded', 'mkv', ['-c:a', 'libopus'], 2.5],
  ])('that begin late (%s) hold up no picture', async (what, ending, codec, lateSeconds) => {
    const url = await files.make(
      `late-${what}.${ending}`,
      ...[...picture('160x90', 25, 8), ...tone(5)],
      ...['-filter_complex', `[1:a]asetpts=PTS+${lateSeconds}/TB[a]`, '-map', '0:v', '-map', '[a]'],
      ...[...h264, ...codec],
    );
    const id = `late-${what}`;
    await source.put(id, specOf(url));
    const { ledgers, streams, beginOf } = await contributionOf(id, 5);
    expect(ledgers.map((l) => l.ptsTicks)).toEqual([0, 1, 2, 3, 4].map(framesOf));
    // At a steady pace from the first GOP on.
    const perGopMs = (ledgers[4]!.sealedAtMs - ledgers[0]!.sealedAtMs) / 4;
    expect(Math.abs(perGopMs - 1_000)).toBeLessThan(250);
    expect(Math.abs(beginOf(streams[1]!.pid) - lateSeconds)).toBeLessThan(0.05);
  });

  it('that are announced and do not come are named, and join when they do', async () => {
    const url = await files.make(
      'silent.ts',
      ...[...picture('160x90', 25, 12), ...tone(2), '-filter_complex', '[1:a]asetpts=PTS+9/TB[a]'],
      ...['-map', '0:v', '-map', '[a]', ...h264, '-c:a', 'aac'],
    );
    await source.put('silent', specOf(url));
    const missing = (notes: string[]): boolean =>
      notes.some((note) => note.includes('has brought nothing yet'));
    await untilAnswer('the sound is missed', () => notesOf('silent'), missing);
    await untilAnswer(
      'the sound has come',
      () => notesOf('silent'),
      (notes) => !missing(notes),
    );
    const { ledgers, streams, beginOf } = await contributionOf('silent', 10);
    expect(ledgers.map((l) => l.ptsTicks)).toEqual(ledgers.map((_l, gop) => framesOf(gop)));
    expect(streams.map(({ kind }) => kind)).toEqual(['video', 'audio']);
    expect(Math.abs(beginOf(streams[1]!.pid) - 9)).toBeLessThan(0.1);
  });

  it('of surround sound that is encoded stay six channels', async () => {
    const url = await files.make(
      'six.mov',
      ...[...picture('160x90', 25, 6), '-f', 'lavfi', '-i', 'aevalsrc=0.1*sin(t)|0|0|0|0|0:c=5.1:d=6'],
      ...[...h264, '-c:a', 'pcm_s16le'],
    );
    await source.put('six', specOf(url));
    const { units } = await contributionOf('six', 2);
    expect(channelsOf(units.find((unit) => unit.kind === 'audio')!)).toBe(6);
  });

  it.each([
    ['AAC, with all their channels', {}, [2, 6]],
    ['AAC in stereo where that is wanted', { soundLayout: 'stereo' as const }, [2, 2]],
  ])('that browsers do not play become %s', async (_what, choice, channels) => {
    const url = await files.make(
      'broadcast.ts',
      ...[...picture('160x90', 25, 6), ...tone(6), ...tone(6), '-map', '0', '-map', '1', '-map', '2'],
      ...[...h264, '-c:a:0', 'mp2', '-ac:a:0', '2', '-c:a:1', 'ac3', '-ac:a:1', '6'],
      ...['-metadata:s:a:0', 'language=deu', '-metadata:s:a:1', 'language=eng'],
    );
    const id = `broadcast-${channels.join('-')}`;
    const { notes } = await source.put(id, specOf(url, choice));
    expect(notes).toEqual([
      'The sound (mp2, deu) is encoded once. Browsers do not play mp2.',
      'The sound (ac3, eng) is encoded once. Browsers do not play ac3.',
    ]);
    const { streams, units } = await contributionOf(id, 2);
    const sound = streams.filter(({ kind }) => kind === 'audio');
    expect(sound.map(({ streamType }) => streamType)).toEqual([AAC_STREAM_TYPE, AAC_STREAM_TYPE]);
    const firsts = sound.map(({ pid }) => units.find((unit) => unit.pid === pid)!);
    expect(firsts.map(channelsOf)).toEqual(channels);
  });

  describe('of a local list', () => {
    let server: Server;
    let film: string;
    let remote: string;
    beforeAll(async () => {
      film = await files.make('film.ts', ...picture('160x90', 25, 2), ...h264);
      const bytes = await readFile(film);
      server = createServer((_req, res) => res.end(bytes));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      remote = `http://127.0.0.1:${(server.address() as AddressInfo).port}/film.ts`;
    });
    afterAll(() => {
      server.closeAllConnections();
      server.close();
    });

    it.each([
      [
        'playlist of a URL',
        'list.m3u8',
        () => `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${remote}\n#EXT-X-ENDLIST\n`,
      ],
      [
        'playlist of a full path',
        'path.m3u8',
        () => `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n${film}\n#EXT-X-ENDLIST\n`,
      ],
      ['list of full paths', 'list.ffconcat', () => `ffconcat version 1.0\nfile '${film}'\nfile '${film}'\n`],
    ])('come in: a %s', async (_what, name, text) => {
      const url = join(files.directory, name);
      await writeFile(url, text());
      const id = name.replace('.', '-');
      await source.put(id, specOf(url));
      const { ledgers } = await contributionOf(id, 5);
      expect(ledgers.map((l) => l.ptsTicks)).toEqual([0, 1, 2, 3, 4].map(framesOf));
    });

    it('that comes from elsewhere name no file of this machine', async () => {
      const evil = createServer((_req, res) => {
        res.end(`#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://${film}\n#EXT-X-ENDLIST\n`);
      });
      await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
      const url = `http://127.0.0.1:${(evil.address() as AddressInfo).port}/list.m3u8`;
      await expect(source.put('evil', specOf(url))).rejects.toMatchObject({ code: 'input-not-video' });
      evil.close();
    });
  });
});
