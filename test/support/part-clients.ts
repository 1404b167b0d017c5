import type { EncoderLooks, PartClients } from '../../src/observation/part-clients';

const away = (): Promise<never> => Promise.reject(new Error('not in this test'));

/** Clients of parts that a test has not; with those that it has. */
export const partClients = <Encoder extends EncoderLooks = EncoderLooks>(
  present: Partial<PartClients<Encoder>> = {},
): PartClients<Encoder> => ({
  origin: { channels: away, channel: away, ledger: away, audience: away },
  relay: { channels: away, channel: away, splice: away },
  source: { channels: away, keepSecretsOf: away, switchInput: away, cancelSwitches: away },
  fleet: { list: away },
  encoderAt: () => {
    throw new Error('not in this test');
  },
  storage: async () => [],
  ...present,
});
