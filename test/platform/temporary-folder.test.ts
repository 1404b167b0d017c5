import { rm, stat } from 'node:fs/promises';
import { temporaryFolder } from '../../src/platform/temporary-folder';

const before = process.env.TMPDIR;
afterEach(() => {
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
});

test.each(['/nonexistent', '/proc', '/etc/passwd'])(
  'a TMPDIR that is of no use is passed over: %s',
  async (folder) => {
    process.env.TMPDIR = folder;
    const made = await temporaryFolder('encoder-swarm-temporary-');
    expect(made).toMatch(/^\/tmp\/encoder-swarm-temporary-/);
    expect((await stat(made)).isDirectory()).toBe(true);
    await rm(made, { recursive: true });
  },
);
