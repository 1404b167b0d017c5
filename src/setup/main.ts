import type { SwarmError } from '../domain';
import { StepReporter } from './step-reporter';
import { findOrInstallTools } from './tools';

/** `scripts/prepare.mjs --tools`: has the tools in place, so that tests and benches find them. */
findOrInstallTools(process.env, new StepReporter(process.stdout)).catch((error: unknown) => {
  const { message, hint } = error as SwarmError;
  console.error(`\n${message}${hint ? `\nHint: ${hint}` : ''}`);
  process.exit(1);
});
