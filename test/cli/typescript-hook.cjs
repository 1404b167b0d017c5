// Lets a spawned Node run the TypeScript of this tree, so that the tests of the command line need no build.
// What was compiled is kept beside the packages, by its content: dozens of short processes share it.
const { createHash } = require('node:crypto');
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..', '..');
const cache = join(root, 'node_modules', '.cache', 'cli-tests');
mkdirSync(cache, { recursive: true });

const compile = (filename) => {
  const source = readFileSync(filename, 'utf8');
  const kept = join(cache, `${createHash('sha256').update(filename).update(source).digest('hex')}.js`);
  try {
    return readFileSync(kept, 'utf8');
  } catch {
    const { transformSync } = require('@swc/core');
    const { code } = transformSync(source, { filename, swcrc: true, cwd: root });
    // Renamed into place: no process may read half a file.
    writeFileSync(`${kept}.${process.pid}`, code);
    renameSync(`${kept}.${process.pid}`, kept);
    return code;
  }
};

require.extensions['.ts'] = (module, filename) => module._compile(compile(filename), filename);
