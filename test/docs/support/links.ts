import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { anchorsOf, linksOf, ROOT, textOf, type Page } from './pages';

/** Links of a page that lead nowhere, or out of the project, each as a sentence. */
export const brokenLinks = ({ path, text }: Page): string[] =>
  linksOf(text).flatMap((target) => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return [];
    const [file = '', anchor] = target.split('#');
    const at = normalize(file === '' ? path : join(dirname(path), file));
    if (at.startsWith('..') || file.startsWith('/')) return [`${path}: ${target} leads out of the project`];
    if (at !== path && !existsSync(join(ROOT, at))) return [`${path}: ${target} leads nowhere`];
    if (anchor === undefined || !at.endsWith('.md')) return [];
    const anchors = anchorsOf(at === path ? text : textOf(at));
    return anchors.has(anchor) ? [] : [`${path}: ${target} has no such heading`];
  });
