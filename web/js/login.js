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

/** What the way by the identity provider may have ended with; the log of the API tells more. @type {Record<string, string>} */
const REFUSALS = {
  forbidden: 'The identity provider knows you, but gives you no role here. Ask whoever runs it for one.',
  unauthenticated: 'The login was not completed. Log in again.',
  unavailable: 'The identity provider does not answer. Try again, or use a token.',
};

/** Why a login at the identity provider was refused; taken out of the address as well. */
const takeRefusal = () => {
  const code = /^#refused=([a-z-]+)$/.exec(location.hash)?.[1];
  if (code === undefined) return undefined;
  history.replaceState(null, '', location.pathname + location.search);
  return REFUSALS[code] ?? REFUSALS.unauthenticated;
};

const offerProvider = async () => {
  const answer = await fetch('login/ways').catch(() => null);
  if (!answer?.ok) return;
  const { provider } = await answer.json();
  byId('login-provider').hidden = !provider;
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
    void offerProvider();
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
  const refusal = takeRefusal();
  if (refusal !== undefined) {
    byId('login-error').hidden = false;
    setText(byId('login-error'), refusal);
  }
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
