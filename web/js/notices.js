import { byId, element } from './dom.js';

const shownMs = { good: 6_000, bad: 20_000 };

const show = (kind, message, hint) => {
  const notice = element(
    'div',
    { class: `notice ${kind}`, role: kind === 'bad' ? 'alert' : 'status' },
    element('div', {}, element('strong', {}, message), hint ? element('p', {}, hint) : null),
    element(
      'button',
      { type: 'button', class: 'quiet', 'aria-label': 'Dismiss', click: () => notice.remove() },
      '✕',
    ),
  );
  byId('notices').append(notice);
  setTimeout(() => notice.remove(), shownMs[kind]);
};

export const noticeDone = (message) => show('good', message);
export const noticeRefusal = (error) => show('bad', error.message, error.hint);

/** Runs an action of a button: busy while it lasts, and told what became of it. */
export const act = async (button, busyLabel, work, doneMessage) => {
  const label = button.textContent;
  button.disabled = true;
  button.dataset.busy = 'true';
  button.textContent = busyLabel;
  try {
    noticeDone(doneMessage(await work()));
  } catch (error) {
    noticeRefusal(error);
  } finally {
    delete button.dataset.busy;
    button.disabled = false;
    button.textContent = label;
  }
};

/** Asks before something with consequences. */
export const confirmed = (question, yes) =>
  new Promise((resolve) => {
    const dialog = byId('confirm');
    byId('confirm-question').textContent = question;
    byId('confirm-yes').textContent = yes;
    dialog.returnValue = 'no';
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
    dialog.showModal();
  });
