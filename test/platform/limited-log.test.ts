import { LimitedLog, urlForLog } from '../../src/platform/limited-log';
import type { Logger } from '../../src/platform/logger';

const written: { message: string; leftOut?: number }[] = [];
const logger = {
  warn: (fields: object, message: string) => written.push({ ...fields, message }),
} as unknown as Logger;
let nowMs = 0;
let log: LimitedLog;
beforeEach(() => {
  written.length = 0;
  log = new LimitedLog(logger, () => nowMs);
});

const refuse = (kind: string, count: number): void => {
  for (let i = 0; i < count; i += 1) log.write('warn', kind, {}, kind);
};

test('a flood of one kind is bounded, and the next line tells how many were left out', () => {
  refuse('bad-request', 1_000);
  expect(written).toHaveLength(20);
  nowMs += 1_000;
  refuse('bad-request', 1_000);
  expect(written).toHaveLength(21);
  expect(written.at(-1)).toEqual({ message: 'bad-request', leftOut: 980 });
  nowMs += 3_600_000;
  refuse('bad-request', 1_000);
  expect(written).toHaveLength(41);
  expect(written[21]).toMatchObject({ leftOut: 999 });
  expect(written[22]).toEqual({ message: 'bad-request' });
});

test('one kind does not hide another', () => {
  refuse('bad-request', 1_000);
  refuse('storage-full', 1);
  expect(written.at(-1)).toEqual({ message: 'storage-full' });
});

test('a URL in a log has a bounded length', () => {
  expect(urlForLog('/channels/ch-1/own')).toBe('/channels/ch-1/own');
  expect(urlForLog(`/${'x'.repeat(8_000)}`)).toBe(`/${'x'.repeat(199)}… (8001 characters)`);
});
