import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issueCertificate, renewCertificate } from '../../src/certificates';
import { LinkTls, tlsFilesOf } from '../../src/platform/links/link-tls';
import { runCli, type CliRun } from './run-cli';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'certificates-cli-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const run = (...args: string[]): Promise<CliRun> =>
  runCli(['certificates', ...args], { env: { SWARM_STATE_DIR: folder } });

const pathIn = (...names: string[]): string => join(folder, 'certificates', ...names);
const certificateAt = async (...names: string[]): Promise<X509Certificate> =>
  new X509Certificate(await readFile(pathIn(...names), 'utf8'));

test('an authority, certificates of it, and what they say', async () => {
  const made = await run('init');
  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect(made.stdout).toContain('Made an authority');
  const issued = await run(
    ...['issue', '--part', 'encoder', '--name', 'enc-1'],
    ...['--host', '10.0.0.5', '--host', 'Enc-1.example', '--host', 'fd00::5', '--days', '30'],
  );
  expect(issued).toMatchObject({ code: 0, stderr: '' });
  expect(issued.stdout).toContain(`SWARM_TLS_DIR=${pathIn('enc-1')}`);

  const ca = await certificateAt('ca.pem');
  const own = await certificateAt('enc-1', 'certificate.pem');
  expect(ca.ca).toBe(true);
  expect(own.ca).toBe(false);
  expect(own.checkIssued(ca) && own.verify(ca.publicKey)).toBe(true);
  for (const host of ['10.0.0.5', 'fd00::5', '127.0.0.1', '::1'])
    expect([host, own.checkIP(host)]).toEqual([host, host]);
  for (const host of ['enc-1.example', 'localhost']) expect(own.checkHost(host)).toBe(host);
  expect(own.checkIP('10.0.0.6')).toBeUndefined();
  expect(own.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  const days = (Date.parse(own.validTo) - Date.now()) / 86_400_000;
  expect(days).toBeGreaterThan(29.9);
  expect(days).toBeLessThan(30.1);
  // What is made can be used as it is.
  (await LinkTls.open(tlsFilesOf({ SWARM_TLS_DIR: pathIn('enc-1') })!)).close();

  const files = (await readdir(pathIn(), { recursive: true, withFileTypes: true })).map(async (entry) => {
    const { mode } = await stat(join(entry.parentPath, entry.name));
    return [entry.name, (mode & 0o777).toString(8), entry.isDirectory() ? '700' : '600'];
  });
  expect(files).toHaveLength(6);
  for (const [name, mode, wanted] of await Promise.all(files)) expect([name, mode]).toEqual([name, wanted]);

  const shown = await run('show');
  expect(shown.stdout).toMatch(
    /enc-1 +encoder +127\.0\.0\.1, 10\.0\.0\.5, enc-1\.example, \S+ +\d{4}-\d\d-\d\d +\d+ +valid/,
  );
  const listed = JSON.parse((await run('show', '--json')).stdout) as { authority: object; issued: object[] };
  expect(listed.issued).toMatchObject([{ name: 'enc-1', part: 'encoder', state: 'valid' }]);
  expect(JSON.stringify(listed)).not.toContain('PRIVATE');
}, 90_000);

test('renewal keeps name, part and hosts, and takes a new key; what is not due is left', async () => {
  await run('init');
  await run('issue', '--part', 'relay', '--name', 'relay', '--host', '10.0.0.7');
  const before = await certificateAt('relay', 'certificate.pem');
  expect((await run('renew')).stdout).toContain('Nothing is due');
  expect((await certificateAt('relay', 'certificate.pem')).serialNumber).toBe(before.serialNumber);
  expect(await run('renew', 'relay')).toMatchObject({ code: 0, stderr: '' });
  const after = await certificateAt('relay', 'certificate.pem');
  expect(after.serialNumber).not.toBe(before.serialNumber);
  expect(after.publicKey.equals(before.publicKey)).toBe(false);
  expect(after.subject).toBe(before.subject);
  expect(after.checkIP('10.0.0.7')).toBe('10.0.0.7');
  await run('renew', 'relay', '--host', '10.0.0.8');
  const moved = await certificateAt('relay', 'certificate.pem');
  expect([moved.checkIP('10.0.0.7'), moved.checkIP('10.0.0.8')]).toEqual([undefined, '10.0.0.8']);
}, 90_000);

test('what can not be done is refused with a way out', async () => {
  const refusals: [args: string[], code: number, stderr: RegExp][] = [
    [['issue', '--part', 'relay', '--name', 'relay'], 1, /There is no authority.*\n.*certificates init/],
    [['show'], 1, /There is no authority/],
    [['issue', '--part', 'toaster', '--name', 'x'], 2, /Allowed choices are/],
    [['issue', '--name', 'x'], 2, /--part/],
    [['issue', '--part', 'relay', '--name', 'x', '--days', '0'], 2, /days/],
  ];
  for (const [args, code, stderr] of refusals) {
    const refused = await run(...args);
    expect([args, refused.code, refused.stderr]).toEqual([args, code, expect.stringMatching(stderr)]);
  }
  await run('init');
  await run('issue', '--part', 'relay', '--name', 'relay');
  expect((await run('renew', '--host', '10.0.0.1')).stderr).toContain('--host is for one certificate');
  const request = { part: 'relay', name: 'relay', hosts: [], days: 1 };
  const later: [done: Promise<unknown>, message: RegExp, hint: RegExp][] = [
    [createAuthority(pathIn(), { swarm: 's', days: 1 }), /There is an authority/, /--dir/],
    [issueCertificate(pathIn(), request), /There is a certificate relay already/, /renew relay/],
    [issueCertificate(pathIn(), { ...request, name: '../relay' }), /can't be the name/, /enc-1/],
    [
      issueCertificate(pathIn(), { ...request, name: 'r2', hosts: ['http://relay:1'] }),
      ...([/neither an address nor a name/, /without scheme and port/] as const),
    ],
    [renewCertificate(pathIn(), 'nobody', { days: 1 }), /There is no certificate nobody/, /show/],
  ];
  for (const [done, message, hint] of later) {
    await expect(done).rejects.toMatchObject({
      ...{ message: expect.stringMatching(message), hint: expect.stringMatching(hint) },
    });
  }
  expect((await readdir(pathIn())).sort()).toEqual(['ca-key.pem', 'ca.pem', 'relay']);
}, 90_000);
