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
])('%s stays as it is', (text) => expect(redacted(text)).toBe(text));

test('no error carries a secret, wherever it goes', () => {
  const error = new SwarmError(
    'unavailable',
    `InfluxDB at http://a:${CANARY}@h can't be used`,
    `See http://a:${CANARY}@h`,
  );
  expect(`${error.stack} ${JSON.stringify(error.toBody())}`).not.toContain(CANARY);
});
