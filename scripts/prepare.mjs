// Run by npm before `start`, `test` and the benches: packages, build and, with --tools, the programs beside
// Node. Needs Node only. Says nothing and takes a fraction of a second when there is nothing to do.
import { refusalOfNode } from './node-version.mjs';

const refusal = refusalOfNode(process.versions.node);
if (refusal) {
  console.error(refusal);
  process.exit(1);
}
// Only now: an old Node could not even read it.
const [{ prepare }, { endChildrenWithUs }] = await Promise.all([
  import('./prepare-steps.mjs'),
  import('./children.mjs'),
]);
endChildrenWithUs();
process.exitCode = await prepare({ tools: process.argv.includes('--tools') });
