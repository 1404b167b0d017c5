export { PlaySigner } from './play-signer';
export { PlayVerifier, type PlayGrant } from './play-verifier';
