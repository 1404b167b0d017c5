import { parseHistory, weeksToNow } from '../../src/cli/history-file';

const TIME = '2026-03-01T12:00:00Z';
const parse = (lines: string[], channelId?: string) =>
  parseHistory('file.csv', lines.join('\n'), channelId === undefined ? {} : { channelId });

test('reads both forms, quotes, offsets, another order of columns, a byte order mark and Windows line ends', () => {
  expect(parse(['timestamp,channel,viewers,region', `${TIME},ch-1,5,eu`, `"${TIME}",ch-2,1e3,`])).toEqual([
    { atMs: Date.parse(TIME), channelId: 'ch-1', viewers: 5, region: 'eu' },
    { atMs: Date.parse(TIME), channelId: 'ch-2', viewers: 1000 },
  ]);
  const trace = '\ufeffValue, Timestamp\r\n7.5,2026-03-01 12:00:00\r\n8,2026-03-01T14:00:00+01:00\r\n';
  expect(parseHistory('trace.csv', trace, { channelId: 'ch-1' })).toEqual([
    { atMs: Date.parse(TIME), channelId: 'ch-1', viewers: 7.5, isWithoutOffset: true },
    { atMs: Date.parse('2026-03-01T13:00:00Z'), channelId: 'ch-1', viewers: 8 },
  ]);
});

test.each(['1772366400', '1772366400000', '1772366400.0'])('reads %s as a time since 1970', (time) => {
  expect(parse(['timestamp,value', `${time},5`], 'ch-1')).toEqual([
    { atMs: Date.parse(TIME), channelId: 'ch-1', viewers: 5 },
  ]);
});

test.each([';', '\t', '|'])('reads columns that are divided by %j', (divider) => {
  const lines = [['timestamp', 'channel', 'viewers'].join(divider), [TIME, 'ch-1', '5'].join(divider)];
  expect(parse(lines)).toEqual([{ atMs: Date.parse(TIME), channelId: 'ch-1', viewers: 5 }]);
});

test('goes by the line in which a spreadsheet says what divides them; lines are counted with it', () => {
  const csv = `\ufeffsep=;\r\n"timestamp";"channel";"viewers, all"\r\n`;
  expect(() => parseHistory('file.csv', csv + 'x;y;z')).toThrow('no column viewers');
  const good = 'SEP=;\ntimestamp;channel;viewers\n';
  expect(parseHistory('file.csv', `${good}${TIME};ch-1;5`)).toHaveLength(1);
  expect(() => parseHistory('file.csv', `${good}${TIME};ch-1;x`)).toThrow('line 3: viewers "x"');
});

test('of a cell of megabytes a refusal shows the beginning', () => {
  const long = '1'.repeat(200_000);
  for (const row of [`${TIME},ch-1,${long}`, `${TIME},${long},5`, `${long},ch-1,5`]) {
    const read = (): unknown => parse(['timestamp,channel,viewers', row]);
    expect(read).toThrow(/line 2: .*"1{60}"… \(200000 characters\)/);
    expect(read).toThrow(/^.{0,300}$/);
  }
});

test('local times: an hour that clocks repeat is there twice, in the order of the file; one that they skip is refused', () => {
  const read = (...rows: string[]) =>
    parseHistory('local.csv', ['timestamp,channel,viewers', ...rows].join('\n'), {
      timeZone: 'Europe/Berlin',
    });
  const night = ['01:30', '02:00', '02:30', '02:00', '02:30', '03:00'];
  const rows = read(...night.flatMap((time) => [`2026-10-25 ${time},ch-1,5`, `2026-10-25 ${time},ch-2,5`]));
  const times = rows
    .filter((row) => row.channelId === 'ch-2')
    .map(({ atMs }) => new Date(atMs).toISOString());
  expect(times.map((time) => time.slice(11, 16))).toEqual([
    '23:30',
    '00:00',
    '00:30',
    '01:00',
    '01:30',
    '02:00',
  ]);
  expect(rows.some((row) => row.isWithoutOffset)).toBe(false);
  expect(read('2026-10-25T02:00:00Z,ch-1,5')[0]!.atMs).toBe(Date.parse('2026-10-25T02:00:00Z'));
  expect(() => read('2026-03-29 02:30,ch-1,5')).toThrow(
    'line 2: timestamp "2026-03-29 02:30" is skipped by the clocks of Europe/Berlin',
  );
});

const header = 'timestamp,channel,viewers';
type Refused = [name: string, lines: string[], cause: string, channelId?: string];
const cases: Refused[] = [
  ['a bad number', [header, `${TIME},ch-1,5`, `${TIME},ch-1,-5`], 'line 3: viewers "-5" is not a number'],
  ['no number', [header, `${TIME},ch-1,`], 'line 2: viewers "" is not a number'],
  ['infinitely many', [header, `${TIME},ch-1,1e999`], 'line 2: viewers "1e999" is not'],
  ['not a number', [header, `${TIME},ch-1,NaN`], 'line 2: viewers "NaN" is not'],
  ['thousands', [header, `${TIME},ch-1,"1,234"`], 'write a decimal point, and nothing between thousands'],
  [
    'a decimal comma',
    ['timestamp;channel;viewers', `${TIME};ch-1;1.234,5`],
    'viewers "1.234,5" is not a number: write a decimal point',
  ],
  ['a bad time', [header, `${TIME},ch-1,5`, 'soon,ch-1,5'], 'line 3: timestamp "soon" is not'],
  ['a day that is none', [header, '2026-02-31T12:00:00Z,ch-1,5'], 'line 2: timestamp "2026-02-31T12:00:00Z"'],
  ['another day that is none', [header, '2026-13-01 12:00:00,ch-1,5'], 'line 2: timestamp'],
  ['and a third', [header, '2026-02-31 12:00:00,ch-1,5'], 'line 2: timestamp'],
  ['a bad channel', [header, `${TIME},CH 1,5`], 'line 2: channel "CH 1" is no id'],
  ['a bad region', [`${header},region`, `${TIME},ch-1,5,E U`], 'line 2: region "E U" is no id'],
  ['a field too many', [header, `${TIME},ch-1,5,6`], 'line 2: has 4 fields, not 3'],
  ['a field too few', [header, `${TIME},ch-1`], 'line 2: has 2 fields, not 3'],
  ['no channel', ['timestamp,value', `${TIME},5`], 'it has no column channel, and --channel names none'],
  ['two channels', [header, `${TIME},ch-1,5`], 'and --channel names one too', 'ch-2'],
  ['no time', ['when,channel,viewers', `${TIME},ch-1,5`], 'it has no column timestamp'],
  ['no viewers', ['timestamp,channel', `${TIME},ch-1`], 'it has no column viewers'],
  ['no rows', [header], 'it holds no rows'],
  ['nothing', [''], 'it holds no rows'],
  ['an open quote', [header, `"${TIME},ch-1,5`], 'file.csv is not a history'],
  ['a picture', ['\u0000PNG\u0001', 'x'], 'it is no text'],
];
// Rest parameters: a declared fourth one would be taken for a callback where a case has three.
test.each(cases)('%s is refused', (...[, lines, cause, channelId]: Refused) => {
  expect(() => parse(lines, channelId)).toThrow(cause);
});

test('of many faults the first ten are named and the rest counted', () => {
  const lines = Array.from({ length: 25 }, () => 'soon,ch-1,5');
  expect(() => parse([header, ...lines])).toThrow(/line 2: .*; line 11: .*; and 15 more lines\./);
});

test('moves by whole weeks into the past seven days', () => {
  const nowMs = Date.parse('2026-03-20T00:00:00Z');
  const weekMs = 7 * 86_400_000;
  const shiftMs = weeksToNow(parse([header, `${TIME},ch-1,5`, '2026-02-01T00:00:00Z,ch-1,5']), nowMs);
  expect(shiftMs).toBe(2 * weekMs);
  expect(weeksToNow(parse([header, '2026-03-19T00:00:00Z,ch-1,5']), nowMs)).toBe(0);
});
