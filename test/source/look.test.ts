import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SourceClient, type InputFacts } from '../../src/contracts/source';
import type { InputChoice } from '../../src/domain';
import { RelayUnderTest } from '../relay/relay-under-test';
import { InputFiles, picture, specOf, tone } from './inputs';
import { SourceUnderTest } from './source-under-test';

const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50'];

let files: InputFiles;
let relay: RelayUnderTest;
let source: SourceUnderTest;
beforeAll(async () => {
  files = await InputFiles.create();
  relay = await RelayUnderTest.start();
  source = await SourceUnderTest.start(relay.url);
});
afterAll(async () => {
  await source.stop();
  await relay.stop();
  await files.remove();
});

const look = (url: string, choice?: InputChoice): Promise<InputFacts> =>
  new SourceClient(source.url).look(url, { choice });

describe('POST /inputs/look', () => {
  it('answers size, rate, colours and scan of a picture that is carried as it is', async () => {
    const args = [...picture('320x180', 25, 2), '-r', '30000/1001', '-pix_fmt', 'yuv420p10le', ...h264];
    expect(await look(await files.make('ntsc.mp4', ...args))).toEqual({
      video: {
        codec: 'h264',
        widthPx: 320,
        heightPx: 180,
        shownWidthPx: 320,
        shownHeightPx: 180,
        frameRate: '30000/1001',
        scan: 'progressive',
        pixelFormat: 'yuv420p10le',
        colour: 'bt601-525',
        carried: 'as-is',
      },
      audio: [],
      data: [],
      finite: true,
      notes: [],
    });
  });

  it('knows an interlaced picture with wide pixels, and all languages of its sound', async () => {
    const interlaced = ['-vf', 'tinterlace=interleave_top,fieldorder=tff,setsar=64/45'];
    const url = await files.make(
      'i.ts',
      ...[...picture('720x576', 50, 2), ...tone(2), ...tone(2), '-map', '0', '-map', '1', '-map', '2'],
      ...[...interlaced, '-r', '25', '-c:v', 'mpeg2video', '-flags', '+ilme+ildct', '-b:v', '5M'],
      ...['-c:a:0', 'mp2', '-c:a:1', 'ac3', '-ac:a:1', '6'],
      ...['-metadata:s:a:0', 'language=deu', '-metadata:s:a:1', 'language=eng'],
    );
    expect(await look(url)).toMatchObject({
      video: {
        ...{ codec: 'mpeg2video', widthPx: 720, heightPx: 576, shownWidthPx: 1024, shownHeightPx: 576 },
        ...{ frameRate: '25', scan: 'interlaced', carried: 'as-is' },
      },
      audio: [
        { codec: 'mp2', channels: 1, language: 'deu', carried: 'encoded', why: 'Browsers do not play mp2.' },
        { codec: 'ac3', channels: 6, language: 'eng', carried: 'encoded' },
      ],
      notes: [
        'The sound (mp2, deu) is encoded once. Browsers do not play mp2.',
        'The sound (ac3, eng) is encoded once. Browsers do not play ac3.',
      ],
    });
    const asItCame = await look(url, { soundCodec: 'as-is' });
    expect(asItCame.audio.map((track) => track.carried)).toEqual(['as-is', 'as-is']);
    expect(asItCame.notes).toEqual([]);
    const stereo = await look(url, { soundCodec: 'as-is', soundLayout: 'stereo' });
    expect(stereo.notes).toEqual(['The sound (ac3, eng) is encoded once. It is mixed down to stereo.']);
  });

  it('says what is encoded, and why', async () => {
    const url = await files.make(
      'o.webm',
      ...[...picture('160x90', 25, 2), ...tone(2), '-c:v', 'libvpx', '-deadline', 'realtime'],
      ...['-cpu-used', '8', '-c:a', 'libopus'],
    );
    const { video, audio, notes } = await look(url);
    expect([video, audio[0]]).toMatchObject([
      { codec: 'vp8', carried: 'encoded', why: 'MPEG-TS does not carry vp8.' },
      { codec: 'opus', channels: 1, sampleRateHz: 48_000, carried: 'encoded' },
    ]);
    expect(notes).toEqual([
      expect.stringContaining('The picture (vp8) is encoded once.'),
      expect.stringContaining('The sound (opus) is encoded once.'),
    ]);
  });

  it('names a high dynamic range', async () => {
    const hlg = ['-color_trc', 'arib-std-b67', '-color_primaries', 'bt2020', '-colorspace', 'bt2020nc'];
    const url = await files.make(
      'hlg.ts',
      ...[...picture('160x90', 25, 1), '-pix_fmt', 'yuv420p10le', ...h264, ...hlg],
    );
    expect((await look(url)).notes).toEqual([expect.stringContaining('high dynamic range (HLG)')]);
  });

  it('has the source turn RGB into the colours of renditions', async () => {
    const url = await files.make(
      'rgb.mkv',
      ...picture('160x90', 25, 1),
      '-c:v',
      'libx264rgb',
      '-pix_fmt',
      'rgb24',
    );
    expect((await look(url)).video).toMatchObject({
      ...{ codec: 'h264', pixelFormat: 'gbrp', carried: 'encoded', colour: 'bt709' },
      why: expect.stringContaining('RGB'),
    });
  });

  it('stands the picture of a camera held upright on its end', async () => {
    const flat = await files.make('flat.mp4', ...picture('640x360', 25, 1), '-pix_fmt', 'yuv420p');
    const url = await files.make('upright.mp4', '-i', flat, '-c', 'copy', '-metadata:s:v', 'rotate=90');
    expect((await look(url)).video).toMatchObject({
      ...{ widthPx: 640, heightPx: 360, shownWidthPx: 360, shownHeightPx: 640, carried: 'encoded' },
      why: expect.stringContaining('turned'),
    });
  });

  it('knows no rate where it varies', async () => {
    const thinned = ['-vf', "select='lt(t,1)+eq(n,60)+gt(t,3.8)'", '-vsync', 'vfr', ...h264];
    const facts = await look(await files.make('vfr.mp4', ...picture('160x90', 25, 4), ...thinned));
    expect(facts.video.frameRate).toBeNull();
    expect(facts.video).toMatchObject({ carried: 'encoded', why: expect.stringContaining('varies') });
  });

  it('chooses the best picture of a multiplex, with the sound of its programme', async () => {
    const url = await files.make(
      'two.ts',
      ...[...picture('160x90', 25, 2), ...picture('320x180', 25, 2), ...tone(2)],
      ...['-map', '0', '-map', '2', '-map', '1', '-map', '2', '-map', '2', ...h264, '-c:a', 'mp2'],
      ...['-metadata:s:a:0', 'language=fra', '-metadata:s:a:1', 'language=deu'],
      ...['-metadata:s:a:2', 'language=eng'],
      ...['-program', 'title=a:st=0:st=1', '-program', 'title=b:st=2:st=3:st=4'],
    );
    const asItCame = { soundCodec: 'as-is' } as const;
    const { video, audio, notes } = await look(url, asItCame);
    expect(video).toMatchObject({ widthPx: 320, heightPx: 180 });
    expect(audio.map((track) => track.language)).toEqual(['deu', 'eng']);
    expect(notes).toEqual([
      'Stream 0 (video, h264, 160x90) is left out. Another picture was chosen.',
      'Stream 1 (audio, mp2, fra) is left out. It belongs to another programme.',
    ]);

    const other = await look(url, { programme: 1 });
    expect(other.video).toMatchObject({ widthPx: 160, heightPx: 90 });
    expect(other.audio.map((track) => track.language)).toEqual(['fra']);
    expect((await look(url, { picture: 0 })).video.widthPx).toBe(160);
    const english = await look(url, { languages: ['eng'] });
    expect([english.video.widthPx, ...english.audio.map((track) => track.language)]).toEqual([320, 'eng']);
    expect(english.notes).toContain('Stream 3 (audio, mp2, deu) is left out. Other languages were chosen.');
    const turned = await look(url, { languages: ['eng', 'deu'] });
    expect(turned.audio.map((track) => track.language)).toEqual(['eng', 'deu']);

    const lacks = async (choice: InputChoice, words: RegExp): Promise<void> => {
      const refused = { code: 'input-not-video', message: expect.stringMatching(words) };
      await expect(look(url, choice)).rejects.toMatchObject(refused);
      const spec = { ...specOf(''), input: { kind: 'url', url, choice } };
      await expect(source.put('chosen', spec)).rejects.toMatchObject(refused);
      expect(await source.list()).toEqual([]);
    };
    await lacks({ programme: 7 }, /no programme 7; it has 1, 2\./);
    await lacks({ picture: 4 }, /no picture with index 4; it has 0, 2\./);
    await lacks({ languages: ['fin'] }, /no sound in "fin"; it has deu, eng\./);
  });

  it('chooses the best variant of an HLS master', async () => {
    const vod = ['-c:a', 'aac', '-f', 'hls', '-hls_playlist_type', 'vod'];
    await files.make('lo.m3u8', ...picture('160x90', 25, 2), ...tone(2), ...h264, ...vod);
    await files.make('hi.m3u8', ...picture('320x180', 25, 2), ...tone(2), ...h264, ...vod);
    const url = join(files.directory, 'master.m3u8');
    await writeFile(
      url,
      '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000\nlo.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=900000\nhi.m3u8\n',
    );
    const { video, audio, finite } = await look(url);
    expect([video.widthPx, audio.length, finite]).toEqual([320, 1, true]);
    expect((await look(url, { programme: 0 })).video.widthPx).toBe(160);
  });

  it('names sound that is announced and of which nothing has come', async () => {
    const url = await files.make(
      'silent.ts',
      ...[...picture('160x90', 25, 12), ...tone(1), '-filter_complex', '[1:a]asetpts=PTS+11/TB[a]'],
      ...['-map', '0:v', '-map', '[a]', ...h264, '-c:a', 'aac'],
    );
    const { audio, notes } = await look(url);
    expect(audio).toMatchObject([{ codec: 'aac', channels: 0, sampleRateHz: 0 }]);
    expect(notes).toEqual([expect.stringContaining('nothing of it had come')]);
  });

  it('refuses what is no video, and a body that is none', async () => {
    await expect(look(await files.make('alone.wav', ...tone(1)))).rejects.toMatchObject({
      code: 'input-not-video',
    });
    await expect(look('')).rejects.toMatchObject({ code: 'bad-request' });
  });
});
