import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { AuditLog, auditFile } from '../../src/api/audit';

const log = pino({ level: 'silent' });
const entry = (atMs: number, by = 'admin') => ({
  ...{ atMs, by, role: 'admin', command: 'handoff', about: 'ch-1', outcome: 'done' },
});

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'audit-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

test('two APIs of one state folder write one audit, and each tells all of it', async () => {
  const [one, two] = [new AuditLog(auditFile(folder), log), new AuditLog(auditFile(folder), log)];
  one.note(entry(1));
  two.note(entry(2, 'somebody'));
  one.note(entry(3));
  for (const audit of [one, two, new AuditLog(auditFile(folder), log)])
    expect(audit.latest(10).map(({ atMs }) => atMs)).toEqual([3, 2, 1]);
  expect(two.latest(1)).toEqual([entry(3)]);
});

test('the file is put aside at its size, whoever has written it', async () => {
  const audit = new AuditLog(auditFile(folder), log);
  await writeFile(auditFile(folder), `${'x'.repeat(8 * 2 ** 20 + 1)}\n${JSON.stringify(entry(1))}\n`);
  audit.note(entry(2));
  expect(audit.latest(10)).toEqual([entry(2), entry(1)]);
  expect(await readFile(auditFile(folder), 'utf8')).toBe(`${JSON.stringify(entry(2))}\n`);
});

test('what can not be written is told all the same', async () => {
  await mkdir(auditFile(folder));
  const audit = new AuditLog(auditFile(folder), log);
  audit.note(entry(1));
  expect(audit.latest(10)).toEqual([entry(1)]);
});
