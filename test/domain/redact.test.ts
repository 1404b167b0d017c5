import { SwarmError, redacted } from '../../src/domain';

const CANARY = 'c4n4ry-pw';

test.each([
  [`rtsp://viewer:${CANARY}@10.0.0.7:554/x`, 'rtsp://viewer:***@10.0.0.7:554/x'],
  [`rtsp://viewer:${CANARY}@with@signs@10.0.0.7/x`, 'rtsp://viewer:***@10.0.0.7/x'],
  [`http://:${CANARY}@host/x`, 'http://:***@host/x'],
  [`http://${CANARY}@host/x`, 'http://***@host/x'],
  [
    `srt://host:9000?mode=caller&passphrase=${CANARY}&latency=200`,
    'srt://host:9000?mode=caller&passphrase=***&latency=200',
  ],
  [`srt://host:9000?streamid=${CANARY}`, 'srt://host:9000?streamid=***'],
  [`https://cdn/x.m3u8?X-Amz-Signature=${CANARY}`, 'https://cdn/x.m3u8?X-Amz-Signature=***'],
  [`https://cdn/x.m3u8?a=1&access_token=${CANARY}#t`, 'https://cdn/x.m3u8?a=1&access_token=***'],
  [`rtmp://live.example/app/${CANARY}`, 'rtmp://live.example/app/***'],
  [`rtmps://live.example/app/${CANARY}?x=1`, 'rtmps://live.example/app/***?x=1'],
  [
    `The input http://u:${CANARY}@h/x is not video: ffprobe says "http://u:${CANARY}@h/x: refused".`,
    'The input http://u:***@h/x is not video: ffprobe says "http://u:***@h/x: refused".',
  ],
  // As people write them: characters that no URL may have, or that end one in most texts.
  [`rtsp://admin:it's"${CANARY}<>\\@10.0.0.7/x`, 'rtsp://admin:***@10.0.0.7/x'],
  [`rtsp://admin:a/${CANARY}/b@10.0.0.7/x`, 'rtsp://admin:***@10.0.0.7/x'],
  [`rtsp://admin:a#?${CANARY}@10.0.0.7/x`, 'rtsp://admin:***@10.0.0.7/x'],
  [`http://it's"${CANARY}@host/x`, 'http://***@host/x'],
  [`srt://host:9000?passphrase=a,b;'"c${CANARY}&mode=caller`, 'srt://host:9000?passphrase=***&mode=caller'],
  [`srt://host:9000?streamid=#!::r=live,u=me,s=${CANARY}`, 'srt://host:9000?streamid=***'],
  [`Not "srt://host:9000?passphrase=${CANARY}", it says.`, 'Not "srt://host:9000?passphrase=***", it says.'],
  [`'http://host/x?key=${CANARY}': no`, `'http://host/x?key=***': no`],
  // In percent codes, or in a URL within another one.
  [`http://host/x?pass%70hrase=${CANARY}`, 'http://host/x?pass%70hrase=***'],
  [`http://host/x?login[pass]=${CANARY}&x=1`, 'http://host/x?login[pass]=***&x=1'],
  [`http://host/x#access_token=${CANARY}`, 'http://host/x#access_token=***'],
  [`http://host/?src=rtsp://u:${CANARY}@cam/x`, 'http://host/?src=rtsp://u:***@cam/x'],
  [`http://host/?src=rtsp%3A%2F%2Fu%3A${CANARY}%40cam%2Fx`, 'http://host/?src=rtsp%3A%2F%2F***%40cam%2Fx'],
  [
    `http://host/?src=http%3a%2f%2fcam%2fx%3ftoken%3d${CANARY}%26a%3d1`,
    'http://host/?src=http%3a%2f%2fcam%2fx%3ftoken%3d***%26a%3d1',
  ],
  [`https://cdn/x.ts?hdntl=${CANARY}`, 'https://cdn/x.ts?hdntl=***'],
  [`http://host:8080/live/me/${CANARY}/17.ts`, 'http://host:8080/live/***/***/17.ts'],
  // Of cameras and servers that have ways of their own.
  [
    `rtsp://10.0.0.1/user=admin_password=${CANARY}_channel=1_stream=0.sdp?real_stream`,
    'rtsp://10.0.0.1/user=admin_password=***',
  ],
  [`rtsp://10.0.0.1/password=${CANARY}`, 'rtsp://10.0.0.1/password=***'],
  [`http://cam/video.cgi?loginuse=me&loginpas=${CANARY}`, 'http://cam/video.cgi?loginuse=me&loginpas=***'],
  ...['pw', 'psw', 'pin', 'st', 'sk', 'access-code'].map((name) => [
    `http://cam/x?usr=me&${name}=${CANARY}&e=1`,
    `http://cam/x?usr=me&${name}=***&e=1`,
  ]),
  [`https://cdn/token/${CANARY}/x.m3u8`, 'https://cdn/token/***/x.m3u8'],
])('%s', (text, told) => {
  expect(redacted(text)).toBe(told);
  expect(redacted(told)).toBe(told);
  expect(JSON.parse(redacted(JSON.stringify({ text })))).toEqual({ text: told });
});

test.each([
  '/films/a:b@c.mp4',
  'http://127.0.0.1:8099/t.ts',
  'http://127.0.0.1:8099/mail@example.org/t.ts?window_s=3',
  'ask a@b: the token is 5, see http://h/x',
  'no URL, password=shown',
  'http://[fd00::7]:7700/mail@example.org',
  'it listens at http://h:8080, and a@b asks',
  '[{"url":"http://h:80","mail":"a@b"}]',
  'http://host/live/ch1/index.m3u8',
  'http://host/x?vcodec=h264&step=2&stream=1&pid=7&zip=code',
  'http://host/tokens/x_1=2/segment_5.ts',
])('%s stays as it is', (text) => expect(redacted(text)).toBe(text));

test('also in a text within a text within a text, which stays one', () => {
  const told = (depth: number): unknown =>
    Array.from({ length: depth }).reduce(
      (text: string) => JSON.stringify({ text, mail: 'a@b' }),
      `"srt://u:${CANARY}@h?passphrase=${CANARY}": refused`,
    );
  for (const depth of [1, 2, 3]) {
    const text = redacted(told(depth) as string);
    expect(text).not.toContain(CANARY);
    let read: unknown = text;
    for (let level = 0; level < depth; level += 1)
      read = (JSON.parse(read as string) as { text: string }).text;
    expect(read).toBe('"srt://u:***@h?passphrase=***": refused');
  }
});

test('a long text takes no long time', () => {
  const repeated = [
    'http://u:',
    'http://h?token=',
    ',;',
    '.',
    '"',
    '&key',
    'a%2f',
    '%3a%2f%2f',
    'http://h/live/',
  ];
  const startedAtMs = performance.now();
  for (const part of repeated)
    redacted(`http://u:p@h?key=${part.repeat(Math.ceil(200_000 / part.length))} http://`);
  // Quadratic, each would take seconds.
  expect(performance.now() - startedAtMs).toBeLessThan(2_000);
});

test('no error carries a secret, wherever it goes', () => {
  const error = new SwarmError(
    'unavailable',
    `InfluxDB at http://a:${CANARY}@h can't be used`,
    `See http://a:${CANARY}@h`,
  );
  expect(`${error.stack} ${JSON.stringify(error.toBody())}`).not.toContain(CANARY);
});
