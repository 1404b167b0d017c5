import type { SwarmError } from '../domain';
import { StepReporter } from './step-reporter';
import { findOrInstallTools } from './tools';

/** `scripts/prepare.mjs --tools`: has the tools in place, so that tests and benches find them. */
findOrInstallTools(process.env, new StepReporter(process.stdout)).catch((error: unknown) => {
  const { message, mend } = error as SwarmError;
  console.error(`\n${message}${mend ? `\nMend: ${mend}` : ''}`);
  process.exit(1);
});
