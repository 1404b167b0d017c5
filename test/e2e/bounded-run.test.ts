import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RunReport } from '../../src/acceptance/run-report';
import { claimPortBase } from '../support/ports';

const root = join(__dirname, '..', '..');
const run = promisify(execFile);

/** The main job, as a user runs it: the built program, real parts, every channel verified from outside. */
describe('npm start -- --duration 60s', () => {
  let folder: string;
  let report: RunReport;
  let output = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'encoder-swarm-e2e-'));
    const file = join(folder, 'report.json');
    const args = [
      'dist/src/cli/start.js',
      ...['--duration', '60s', '--report', file, '--seed', '7'],
      ...['--port-base', String(await claimPortBase()), '--state-dir', join(folder, 'state')],
    ];
    const ended = await run(process.execPath, args, { cwd: root, timeout: 240_000 }).catch(
      (error: { stdout: string; stderr: string }) => error,
    );
    output = `${ended.stdout}\n${ended.stderr}`;
    report = JSON.parse(await readFile(file, 'utf8').catch(() => '{}')) as RunReport;
  }, 250_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('ends well, or says what is wrong', () => {
    expect({ faults: report.faults, output: report.ok ? '' : output }).toEqual({ faults: [], output: '' });
    expect(report.ok).toBe(true);
  });

  test('every frame of six channels was seen exactly once', () => {
    expect(report.channels.filter((c) => c.onAir)).toHaveLength(6);
    // At least 50 s of each channel at 25 frames/s, in one rendition or more, with each of two ffmpeg builds or one.
    expect(report.framesChecked).toBeGreaterThanOrEqual(6 * 50 * 25);
    expect(report).toMatchObject({ framesLost: 0, framesRepeated: 0, framesInvalid: 0, gapsDeclared: 0 });
  });

  test('the planner moved a channel before an overload, an operator moved one, a killed encoder was survived', () => {
    expect(report.proactiveHandoffs).toBeGreaterThanOrEqual(1);
    expect(report.operatorHandoffs).toBeGreaterThanOrEqual(1);
    expect(report.encodersKilled).toBe(1);
    expect(report.recoveries).toBeGreaterThanOrEqual(1);
  });
});
