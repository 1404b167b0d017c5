/**
 * Digest of no secret: whoever is granted a channel with it can't publish yet, and nobody else can. Granted again without a
 * digest, as for a session of an older host, it has nothing to show.
 */
export const NOBODYS_SECRET_SHA256 = '0'.repeat(64);
