import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedPages } from './pages';

/** Compiled to dist/tools/docs. */
const ROOT = join(__dirname, '..', '..', '..');

for (const [path, text] of Object.entries(generatedPages())) {
  writeFileSync(join(ROOT, path), text);
  console.log(`wrote ${path}`);
}
