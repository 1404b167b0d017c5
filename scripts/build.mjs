// Compiles the TypeScript to dist/ and bundles the workflows. Type errors are `npm run typecheck`'s work.
import { transformFile } from '@swc/core';
import { cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIdOf } from './build-id.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
// Built aside and renamed: a swarm that runs from dist/ never meets half of it.
const built = join(root, 'dist');
const out = join(root, '.dist-new');
const require = createRequire(import.meta.url);

const sourcesBelow = async (folder) => {
  const entries = await readdir(join(root, folder), { withFileTypes: true, recursive: true }).catch(() => []);
  return entries
    .filter((e) => e.isFile() && e.name.endsWith('.ts') && !e.name.endsWith('.d.ts'))
    .map((e) => relative(root, join(e.parentPath ?? e.path, e.name)));
};

await rm(out, { recursive: true, force: true });
const files = (
  await Promise.all(['src', 'workflows', 'activities', 'bench', 'tools'].map(sourcesBelow))
).flat();
await Promise.all(
  files.map(async (file) => {
    const { code, map } = await transformFile(join(root, file), { swcrc: true, cwd: root, sourceMaps: true });
    const target = join(out, file.replace(/\.ts$/, '.js'));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, `${code}\n//# sourceMappingURL=${target.split('/').pop()}.map\n`);
    if (map) await writeFile(`${target}.map`, map);
  }),
);
await cp(join(root, 'protos'), join(out, 'protos'), { recursive: true });

const workflows = join(out, 'workflows', 'index.js');
if (files.includes(join('workflows', 'index.ts'))) {
  const { bundleWorkflowCode } = require('@temporalio/worker');
  const quiet = { trace() {}, debug() {}, info() {}, warn: console.warn, error: console.error, log() {} };
  const { code } = await bundleWorkflowCode({ workflowsPath: workflows, logger: quiet });
  await writeFile(join(out, 'workflow-bundle.js'), code);
}
await writeFile(join(out, 'build-id'), buildIdOf(root));
await rm(built, { recursive: true, force: true });
await rename(out, built);
console.log(`built ${files.length} files`);
