import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const packagesIn = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return null;
  }
};

/**
 * Whether node_modules holds what package-lock.json asks for. npm writes node_modules/.package-lock.json as the
 * last act of an installation, so an interrupted one does not count. Packages for other platforms are absent.
 */
export const packagesAreInstalled = (root) => {
  const installed = packagesIn(join(root, 'node_modules', '.package-lock.json'));
  if (!installed) return false;
  const wanted = packagesIn(join(root, 'package-lock.json')) ?? {};
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (path === '') return true;
    const found = installed[path];
    return found ? found.version === version && found.integrity === integrity : optional === true;
  });
};
