import { spawnChild } from './children.mjs';

const KEPT_CHARACTERS = 20_000;
const LIVE_REFRESH_MS = 500;
/** Without a terminal, a line so often. */
const PLAIN_REFRESH_MS = 15_000;

/**
 * Runs a command and shows that it goes on: seconds so far, and the last line it printed.
 * @returns ok, and the end of what it printed
 */
export const runLongStep = (name, command, args, options) =>
  new Promise((resolve) => {
    const startedAtMs = Date.now();
    const seconds = () => ((Date.now() - startedAtMs) / 1000).toFixed(1);
    const live = process.stdout.isTTY;
    let output = '';
    const show = () => {
      const lastLine = output.trimEnd().split('\n').at(-1) ?? '';
      const text = `  … ${name} ${seconds()} s ${lastLine}`;
      process.stdout.write(
        live ? `\r\u001b[2K${text.slice(0, (process.stdout.columns ?? 80) - 1)}` : `${text}\n`,
      );
    };
    const timer = setInterval(show, live ? LIVE_REFRESH_MS : PLAIN_REFRESH_MS);
    const end = (ok) => {
      clearInterval(timer);
      process.stdout.write(`${live ? '\r\u001b[2K' : ''}  ${ok ? '✓' : '✗'} ${name} ${seconds()} s\n`);
      resolve({ ok, output });
    };
    const child = spawnChild(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk) => {
      output = (output + chunk).slice(-KEPT_CHARACTERS);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => {
      output += `\n${error.message}`;
      end(false);
    });
    child.once('close', (status) => end(status === 0));
  });
