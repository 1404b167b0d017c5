import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { operations } from '../../src/contracts/api';
import { preparePythonEnvironment, runCommand } from '../../src/setup';
import { makeApiSecrets } from '../platform/support/api-secrets';
import { startFakeApi } from './running-api';

/** Written out with all that they need, so that the same requests are made everywhere. */
const PACKAGES = ['schemathesis==4.32.5', 'hypothesis==6.170.17', 'jsonschema_rs==0.60.3'];
const SEED = 7;
/** It takes half a minute on two cores of its own; other tests may run beside it. */
const LIMIT_MS = 300_000;

let schemathesis: string;
beforeAll(async () => {
  const context = { env: process.env, progress: () => undefined };
  schemathesis = join(
    await preparePythonEnvironment('schemathesis', PACKAGES, context),
    'bin',
    'schemathesis',
  );
}, 900_000);

/**
 * Schemathesis makes requests from the document, right ones and wrong ones, and holds the answers against it: all of
 * its checks. The stream has no end, so that no request of it is ever answered; test/api/status.test.ts reads it.
 */
test(
  'schemathesis finds nothing',
  async () => {
    const work = await mkdtemp(join(tmpdir(), 'schemathesis-'));
    const secrets = await makeApiSecrets();
    const api = await startFakeApi(undefined, secrets.variables);
    try {
      const lines: string[] = [];
      const result = await runCommand(
        schemathesis,
        [
          ...['run', `${api.url}/api/openapi.json`, '--url', `${api.url}/api`],
          ...['--header', `Authorization: Bearer ${secrets.tokens.admin}`],
          ...['--checks', 'all', '--exclude-path', '/status/stream'],
          ...['--seed', String(SEED), '--max-examples', '15', '--no-shrink', '--continue-on-failure'],
          ...['--request-timeout', '10', '--no-color'],
        ],
        {
          env: { ...process.env, NO_COLOR: '1', HYPOTHESIS_STORAGE_DIRECTORY: join(work, 'hypothesis') },
          cwd: work,
          timeoutMs: LIMIT_MS,
          onLine: (line) => lines.push(line),
        },
      );
      expect({ ok: result.ok, said: result.ok ? '' : lines.join('\n') }).toEqual({ ok: true, said: '' });
      const said = lines.join('\n');
      // All but the stream and the document itself, which it has read.
      const all = Object.keys(operations).length;
      expect(said).toMatch(new RegExp(`Tested: *${all - 2}\\b`));
      // It made right requests and wrong ones, in phases that all ran.
      expect(said).toMatch(/\d{3,} generated/);
      for (const phase of ['Coverage', 'Fuzzing', 'Stateful'])
        expect(said).toMatch(new RegExp(`✅ +${phase}`));
    } finally {
      await api.stop();
      await Promise.all([rm(work, { recursive: true, force: true }), secrets.remove()]);
    }
  },
  LIMIT_MS + 20_000,
);
