import { randomBytes } from 'node:crypto';
import { digestOf } from '../../platform/gate';

const SECRET_BYTES = 32;

/**
 * What a session proves with, at the origin, that it is the owner of its channel. It lives in the host's memory and, while
 * it publishes, in the host's journal, and is shown to the origin alone; all others know its digest. A session of
 * the same name on a host that was restarted alone has another one.
 */
export class SessionSecret {
  /** Hex SHA-256 of the value as it is shown. */
  readonly sha256: string;

  /** @param value of a session that is resumed */
  constructor(readonly value = randomBytes(SECRET_BYTES).toString('base64url')) {
    this.sha256 = digestOf(value).toString('hex');
  }
}
