export { relayOptionsFrom, startRelay, type Relay, type RelayOptions } from './server';
export type { GopLedger, RelayChannelInfo } from './types';
