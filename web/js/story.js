import { call } from './api.js';
import { byId, element, within } from './dom.js';
import { noticeRefusal } from './notices.js';

const dialog = byId('story', HTMLDialogElement);
within(dialog, '[data-close]', HTMLElement).addEventListener('click', () => dialog.close());
dialog.addEventListener('click', (event) => {
  if (event.target === dialog) dialog.close();
});

/**
 * Shows in words why a channel was moved and how it went.
 * @param {string} subject channel id or workflow id
 */
export const explain = async (subject) => {
  try {
    const explanation = await call('GET', `/explain/${subject.split('/').map(encodeURIComponent).join('/')}`);
    byId('story-title').textContent = explanation.headline;
    byId('story-body').replaceChildren(
      ...explanation.sections.map(({ title, lines }) =>
        element(
          'section',
          {},
          element('h3', {}, title),
          element('ul', {}, ...lines.map((line) => element('li', {}, line))),
        ),
      ),
    );
    const link = byId('story-link', HTMLAnchorElement);
    link.hidden = explanation.url === null;
    if (explanation.url) link.href = explanation.url;
    dialog.showModal();
  } catch (error) {
    noticeRefusal(error);
  }
};
