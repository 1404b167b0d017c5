import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const FOLDER = join('data', 'models', 'shipped');

/**
 * The model that ships with the project, trained on generated series: what forecasts begin with before anything was
 * measured. It lies in the project's folder, some levels above this file, built or not.
 * @returns null where data/ was not installed
 */
export const shippedModelFolder = (above = __dirname): string | null => {
  const folder = join(above, FOLDER);
  if (existsSync(join(folder, 'manifest.json'))) return folder;
  return dirname(above) === above ? null : shippedModelFolder(dirname(above));
};
