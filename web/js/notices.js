import { Refusal } from './api.js';
import { byId, element } from './dom.js';

const shownMs = { good: 6_000, bad: 20_000 };

/**
 * @param {keyof typeof shownMs} kind
 * @param {string} message
 * @param {string | undefined} [hint]
 */
const show = (kind, message, hint) => {
  /** @type {HTMLDivElement} */
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

/** @param {string} message */
export const noticeDone = (message) => show('good', message);
/** @param {unknown} error */
export const noticeRefusal = (error) =>
  error instanceof Refusal
    ? show('bad', error.message, error.hint)
    : show('bad', error instanceof Error ? error.message : String(error));

/**
 * Runs an action of a button: busy while it lasts, and shows what became of it.
 * @template T
 * @param {HTMLButtonElement} button
 * @param {string} busyLabel
 * @param {() => Promise<T>} work
 * @param {(done: T) => string} doneMessage
 */
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

/**
 * Asks before something with consequences.
 * @param {string} question
 * @param {string} yes
 * @returns {Promise<boolean>}
 */
export const confirmed = (question, yes) =>
  new Promise((resolve) => {
    const dialog = byId('confirm', HTMLDialogElement);
    byId('confirm-question').textContent = question;
    byId('confirm-yes').textContent = yes;
    dialog.returnValue = 'no';
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
    dialog.showModal();
  });
