import { loadPackageDefinition } from '@grpc/grpc-js';
import type { ServiceClientConstructor, ClientReadableStream, Metadata } from '@grpc/grpc-js';
import { service } from 'grpc-health-check';
import { channelCredentials } from '../../platform/links/grpc';
import { CHANNEL_OPTIONS } from './channel-options';
import { CONTRACT_VERSIONS, ENCODER_SERVICES } from './grpc-contract';
import { partMetadata } from './part-metadata';

const RETRY_MS = 500;

const HealthClient = loadPackageDefinition({ Health: service }).Health as ServiceClientConstructor;

type Watch = (request: { service: string }, metadata: Metadata) => ClientReadableStream<{ status?: string }>;

/**
 * Watches grpc.health.v1.Health of an encoder host, and goes on doing so over restarts of the host.
 * @param onChange called when first known, and at every change; false also while the host can't be reached.
 * @returns ends the watch.
 */
export const watchHealth = (address: string, onChange: (serving: boolean) => void): (() => void) => {
  const client = new HealthClient(address, channelCredentials(), CHANNEL_OPTIONS);
  let known: boolean | null = null;
  let ended = false;
  /** A host that serves version 1 only knows no other. */
  let nextVersion = 0;
  let stream: ClientReadableStream<{ status?: string }> | null = null;
  let timer: NodeJS.Timeout | null = null;

  const tell = (serving: boolean): void => {
    if (ended || serving === known) return;
    known = serving;
    onChange(serving);
  };
  const watch = (): void => {
    timer = null;
    const service = ENCODER_SERVICES[CONTRACT_VERSIONS[nextVersion] ?? CONTRACT_VERSIONS[0]];
    const current = (client as unknown as { watch: Watch }).watch({ service }, partMetadata());
    stream = current;
    let over = false;
    const again = (): void => {
      if (over || ended) return;
      over = true;
      tell(false);
      timer = setTimeout(watch, RETRY_MS);
    };
    const takeStatus = (status: string | undefined): void => {
      if (over || ended) return;
      if (status !== 'SERVICE_UNKNOWN') {
        tell(status === 'SERVING');
        return;
      }
      nextVersion = (nextVersion + 1) % CONTRACT_VERSIONS.length;
      if (nextVersion === 0) again();
      else {
        over = true;
        watch();
      }
      current.cancel();
    };
    current.on('data', (answer: { status?: string }) => takeStatus(answer.status));
    current.on('error', again);
    current.on('end', again);
  };
  watch();

  return () => {
    ended = true;
    if (timer) clearTimeout(timer);
    stream?.cancel();
    client.close();
  };
};
