import { call } from './api.js';
import { byId, element } from './dom.js';
import { noticeRefusal } from './notices.js';

const dialog = byId('story');
dialog.querySelector('[data-close]').addEventListener('click', () => dialog.close());
dialog.addEventListener('click', (event) => {
  if (event.target === dialog) dialog.close();
});

/** Shows in words why a channel was moved and how it went. */
export const explain = async (subject) => {
  try {
    const told = await call('GET', `/explain/${subject.split('/').map(encodeURIComponent).join('/')}`);
    byId('story-title').textContent = told.headline;
    byId('story-body').replaceChildren(
      ...told.sections.map(({ title, lines }) =>
        element(
          'section',
          {},
          element('h3', {}, title),
          element('ul', {}, ...lines.map((line) => element('li', {}, line))),
        ),
      ),
    );
    const link = byId('story-link');
    link.hidden = told.url === null;
    if (told.url) link.href = told.url;
    dialog.showModal();
  } catch (error) {
    noticeRefusal(error);
  }
};
