import { sep } from 'node:path';

/** Whether a path lies below a folder; both absolute, and with all links followed where that counts. */
export const isBelow = (path: string, folder: string): boolean =>
  path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
