import { cmcdSessionOf, RequestLog, ViewerRegions, watchedAt } from '../../src/audience';

test.each([
  ['/hls/ch-1/180p/index.m3u8', { channelId: 'ch-1', rendition: '180p' }],
  ['/hls/ch-1/180p/17.ts', { channelId: 'ch-1', rendition: '180p' }],
  ['/tv/eu/cmaf/ch-1/720p/900000.m4s', { channelId: 'ch-1', rendition: '720p' }],
  ['/cmaf/ch-1/sound-1/900000.m4s', { channelId: 'ch-1', rendition: null }],
  ['/hls/ch-1/index.m3u8', null],
  ['/cmaf/ch-1/manifest.mpd', null],
  ['/hls/../etc/passwd', null],
  ['/hls/Ch 1/180p/1.ts', null],
  ['/api/status', null],
])('%s is a request for %j', (path, watched) => {
  expect(watchedAt(path)).toEqual(watched);
});

test.each([
  ['CMCD=br%3D3200%2Csid%3D%226e2fb550-c457%22', undefined, '6e2fb550-c457'],
  ['v=1&CMCD=sid%3D%22a%5C%22b%22%2Cst%3Dl', undefined, 'a"b'],
  ['', 'cid="x",sid="from-header",v=2', 'from-header'],
  ['CMCD=sid%3D%22query%22', 'sid="header"', 'query'],
  ['CMCD=bs', undefined, null],
  ['CMCD=xsid%3D%22no%22', undefined, null],
  ['CMCD=sid%3D%22cut', undefined, null],
  ['CMCD=%E0%A4%A', undefined, null],
])('the session of %s, %s', (query, header, session) => {
  expect(cmcdSessionOf(query, header)).toBe(session);
});

const COMBINED =
  '192.0.2.7 - - [30/Nov/2026:12:00:05 +0100] "GET /hls/ch-1/180p/17.ts?v=2a&CMCD=sid%3D%22s1%22 HTTP/1.1" 200 30644 "-" "VLC/3.0 \\"x\\""';
const EXPECTED = {
  ...{ atMs: Date.parse('2026-11-30T11:00:05Z'), method: 'GET', path: '/hls/ch-1/180p/17.ts' },
  ...{ query: 'v=2a&CMCD=sid%3D%22s1%22', status: 200, address: '192.0.2.7' },
};

test.each([
  ['nginx combined', [COMBINED], 'VLC/3.0 \\"x\\"'],
  ['Fastly over syslog', [`<134>2026-11-30T11:00:06Z cache-fra1 log[62]: ${COMBINED}`], 'VLC/3.0 \\"x\\"'],
  ['common, without an agent', [COMBINED.replace(/ "-" .*/, '')], ''],
  [
    'CloudFront with its own fields',
    [
      '#Version: 1.0',
      '#Fields: date time c-ip cs-method cs-uri-stem sc-status cs-uri-query cs(User-Agent)',
      '2026-11-30\t11:00:05\t192.0.2.7\tGET\t/hls/ch-1/180p/17.ts\t200\tv=2a&CMCD=sid%253D%2522s1%2522\tVLC/3.0%20x',
    ],
    'VLC/3.0 x',
  ],
  [
    'CloudFront without a header',
    [
      '2026-11-30\t11:00:05\tFRA2-C1\t30644\t192.0.2.7\tGET\td1.cloudfront.example\t/hls/ch-1/180p/17.ts\t200\t-\tVLC/3.0%20x\tv=2a&CMCD=sid%3D%22s1%22\t-\tHit',
    ],
    'VLC/3.0 x',
  ],
  [
    'JSON of Fastly',
    [
      '{"timestamp":"2026-11-30T12:00:05+0100","client_ip":"192.0.2.7","request_method":"GET","url":"/hls/ch-1/180p/17.ts?v=2a&CMCD=sid%3D%22s1%22","response_status":200,"request_user_agent":"VLC"}',
    ],
    'VLC',
  ],
  [
    'JSON of nginx',
    [
      '{"msec":"1796036405.000","remote_addr":"192.0.2.7","request":"GET /hls/ch-1/180p/17.ts?v=2a&CMCD=sid%3D%22s1%22 HTTP/2.0","status":"200","http_user_agent":"VLC"}',
    ],
    'VLC',
  ],
])('%s is read', (_name, lines, userAgent) => {
  const log = new RequestLog();
  const read = lines.map((line) => log.read(line)).filter((request) => request !== null);
  expect(read).toEqual([{ ...EXPECTED, userAgent }]);
});

test.each([
  '',
  '# a comment',
  'no request',
  '{"half":',
  '[1,2]',
  '{"url":"/hls/a/b/c","status":"200"}',
  COMBINED.slice(0, 60),
  COMBINED.replace('Nov', 'Foo'),
  'a\tb\tc',
])('%j is no request', (line) => {
  expect(new RequestLog().read(line)).toBeNull();
});

test('regions by address: the smallest network counts, IPv4 in IPv6 too', () => {
  const regions = ViewerRegions.parse('10.0.0.0/8=eu, 10.1.0.0/16=us,2001:db8::/32=asia');
  const of = ['10.2.3.4', '10.1.2.3', '::ffff:10.1.2.3', '2001:db8::1', '192.0.2.1', 'unknown', ''];
  expect(of.map((address) => regions.of(address))).toEqual(['eu', 'us', 'us', 'asia', '', '', '']);
});

test.each(['10.0.0.0/8', '10.0.0.0/8=EU!', '10.0.0.0/99=eu', 'eu=10.0.0.0/8', '10.0.0.0/8=eu=us'])(
  '%s names no network and its region',
  (text) => {
    expect(() => ViewerRegions.parse(text)).toThrow(/names no network and its region/);
  },
);
