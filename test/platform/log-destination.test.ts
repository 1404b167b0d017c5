import { LogDestination } from '../../src/platform/log-destination';

/** A disk that takes so many bytes and no more until there is room again. */
class Disk {
  text = '';
  roomBytes = Infinity;

  write = (_fd: number, bytes: Buffer): number => {
    if (this.roomBytes === 0) throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
    const part = bytes.subarray(0, Math.min(bytes.length, this.roomBytes));
    this.roomBytes -= part.length;
    this.text += part.toString();
    return part.length;
  };

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

let disk: Disk;
let log: LogDestination;
beforeEach(() => {
  jest.useFakeTimers();
  disk = new Disk();
  const notice = (dropped: number, cause: string): string => `${dropped} dropped: ${cause}\n`;
  log = new LogDestination({ fd: 1, notice, write: disk.write });
});
afterEach(() => jest.useRealTimers());

const writeLines = (from: number, to: number): void => {
  for (let i = from; i < to; i += 1) log.write(`line ${i}\n`);
};

test('on a full disk nothing is thrown, and the first lines follow once there is room', () => {
  writeLines(0, 2);
  disk.roomBytes = 0;
  writeLines(2, 5);
  expect(disk.lines).toEqual(['line 0', 'line 1']);
  disk.roomBytes = Infinity;
  writeLines(5, 6);
  expect(disk.lines).toEqual(['line 0', 'line 1', 'line 2', 'line 3', 'line 4', 'line 5']);
});

test('a line that went out in part is written again as a whole, on a line of its own', () => {
  disk.roomBytes = 3;
  writeLines(7, 9);
  expect(disk.text).toBe('lin');
  disk.roomBytes = 4;
  writeLines(9, 10);
  expect(disk.text).toBe('lin\nlin');
  disk.roomBytes = Infinity;
  writeLines(10, 11);
  expect(disk.lines).toEqual(['lin', 'lin', 'line 7', 'line 8', 'line 9', 'line 10']);
});

test('a reader that takes a line in pieces gets it in pieces', () => {
  const whole = disk.write;
  disk.write = (fd, bytes) => whole(fd, bytes.subarray(0, 2));
  const notice = (): string => 'none is dropped\n';
  log = new LogDestination({ fd: 1, notice, write: disk.write });
  writeLines(0, 2);
  expect(disk.text).toBe('line 0\nline 1\n');
});

test('what waits is bounded; what is dropped is counted and told with its cause, before what comes later', () => {
  disk.roomBytes = 0;
  const line = `${'x'.repeat(1_023)}\n`;
  for (let i = 0; i < 200; i += 1) log.write(line);
  disk.roomBytes = Infinity;
  writeLines(1, 2);
  expect(disk.lines.map((text) => text.slice(0, 40))).toEqual([
    ...Array.from({ length: 64 }, () => line.slice(0, 40)),
    '136 dropped: ENOSPC',
    'line 1',
  ]);
});

test('it is tried again by itself, though nothing more is logged', () => {
  disk.roomBytes = 0;
  writeLines(0, 1);
  jest.advanceTimersByTime(5_000);
  expect(disk.text).toBe('');
  disk.roomBytes = Infinity;
  jest.advanceTimersByTime(1_000);
  expect(disk.lines).toEqual(['line 0']);
  expect(jest.getTimerCount()).toBe(0);
});

test('a long text is cut in a line that stays a record', () => {
  const record = {
    level: 40,
    msg: 'refused',
    url: `/${'q'.repeat(9_000)}`,
    err: { stack: 's'.repeat(3_000) },
  };
  log.write(`${JSON.stringify(record)}\n`);
  const cut = JSON.parse(disk.lines[0]!);
  expect(cut).toMatchObject({ level: 40, msg: 'refused' });
  expect(cut.url).toBe(`/${'q'.repeat(999)} … (8001 characters more)`);
  expect(cut.err.stack).toContain('(2000 characters more)');
});

test('a record that is long although its texts are short is told by its length', () => {
  const many = Array.from({ length: 20_000 }, (_, i) => i);
  log.write(`${JSON.stringify({ level: 40, part: 'origin', pid: 1, msg: 'many', many })}\n`);
  expect(disk.text.length).toBeLessThan(200);
  const expected = { level: 40, part: 'origin', pid: 1, msg: 'many', leftOutBytes: expect.any(Number) };
  expect(JSON.parse(disk.lines[0]!)).toEqual(expected);
});

test('a long line that is no record is cut', () => {
  log.write(`${'y'.repeat(10_000)}\n`);
  expect(disk.lines).toEqual([`${'y'.repeat(1_000)} … (9000 characters more)`]);
});
