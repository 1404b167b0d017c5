import { Refusal, call, onLoggedOut } from './api.js';
import { byId, setText } from './dom.js';

/** @typedef {import('../../src/contracts/api').Session} Session */

const hashOfTicket = /^#ticket=([\w-]+)$/;

/** Takes the ticket out of the address, so that it is neither shown nor kept in the history. */
const takeTicket = () => {
  const ticket = hashOfTicket.exec(location.hash)?.[1];
  if (ticket !== undefined) history.replaceState(null, '', location.pathname + location.search);
  return ticket;
};

/** @param {Session} session */
const showWho = ({ name, role, loginNeeded }) => {
  byId('who').hidden = !loginNeeded;
  setText(byId('who-name'), `${name}, ${role}`);
};

/** @param {unknown} error */
const showRefusal = (error) => {
  const message = byId('login-error');
  message.hidden = false;
  setText(
    message,
    error instanceof Refusal ? `${error.message} ${error.hint ?? ''}` : 'The swarm does not answer.',
  );
};

/**
 * Asks for a token until one is taken.
 * @returns {Promise<Session>}
 */
const askForToken = () =>
  new Promise((resolve) => {
    const dialog = byId('login', HTMLDialogElement);
    const field = byId('login-token', HTMLInputElement);
    const form = byId('login-form', HTMLFormElement);
    const refuseToClose = (/** @type {Event} */ event) => event.preventDefault();
    dialog.addEventListener('cancel', refuseToClose);
    form.onsubmit = async (event) => {
      event.preventDefault();
      const token = field.value.trim();
      field.value = '';
      try {
        const session = await call('POST', '/session', { token });
        dialog.removeEventListener('cancel', refuseToClose);
        dialog.close();
        resolve(session);
      } catch (error) {
        showRefusal(error);
      }
    };
    dialog.showModal();
  });

/**
 * Logs in by the ticket in the address, by the session that the browser has, or by a token that is asked for. A swarm
 * that does not answer is left to what shows that.
 */
export const logIn = async () => {
  byId('log-out').onclick = async () => {
    await call('DELETE', '/session').catch(() => undefined);
    location.reload();
  };
  const ticket = takeTicket();
  try {
    if (ticket !== undefined) await call('POST', '/session', { ticket });
  } catch (error) {
    showRefusal(error);
  }
  try {
    showWho(await call('GET', '/session'));
  } catch (error) {
    if (error instanceof Refusal && ['unauthenticated', 'forbidden'].includes(error.code))
      showWho(await askForToken());
  }
  // A session that ends while the page is open.
  onLoggedOut(() => location.reload());
};
