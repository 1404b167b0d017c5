import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const oldest = engines.node.replace('>=', '');

const isOlder = (version, than) => {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number));
  const different = a.findIndex((part, i) => part !== b[i]);
  return different >= 0 && a[different] < b[different];
};

/** Why this version of Node can't run the project and what to do about it; null if it can. */
export const refusalOfNode = (version) =>
  isOlder(version, oldest)
    ? `Node ${version} is too old: ${oldest} or newer is needed.\nHint: install a newer Node (for instance: nvm install ${oldest.split('.')[0]}), then run the command again.`
    : null;
