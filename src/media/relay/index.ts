export { relayOptionsFrom, startRelay, type Relay, type RelayOptions } from './server';
