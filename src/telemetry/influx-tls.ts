import { readFileSync } from 'node:fs';
import type { Environment } from '../config/config';
import { SwarmError } from '../domain';
import type { InfluxTls } from './influx-connection';

const read = (file: string, variable: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new SwarmError(
      'bad-request',
      `${file} can't be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}.`,
      `Make it readable for the account that runs this, or correct ${variable}.`,
    );
  }
};

/**
 * What goes with an INFLUX_URL of https; undefined where nothing is set. It is read once.
 * @throws SwarmError bad-request for a file that can't be read, and for a certificate without its key
 */
export const influxTlsOf = (environment: Environment): InfluxTls | undefined => {
  const { INFLUX_TLS_CA: ca, INFLUX_TLS_CERTIFICATE: certificate, INFLUX_TLS_KEY: key } = environment;
  if ((certificate === undefined) !== (key === undefined)) {
    throw new SwarmError(
      'bad-request',
      'For InfluxDB, a certificate and its key go together.',
      'Set both INFLUX_TLS_CERTIFICATE and INFLUX_TLS_KEY, or neither.',
    );
  }
  if (ca === undefined && certificate === undefined) return undefined;
  if (!environment.INFLUX_URL.startsWith('https:')) {
    throw new SwarmError(
      'bad-request',
      'There are certificates for InfluxDB, and INFLUX_URL is not encrypted.',
      'Write INFLUX_URL with https://.',
    );
  }
  return {
    ...(ca !== undefined && { ca: read(ca, 'INFLUX_TLS_CA') }),
    ...(certificate !== undefined && { cert: read(certificate, 'INFLUX_TLS_CERTIFICATE') }),
    ...(key !== undefined && { key: read(key, 'INFLUX_TLS_KEY') }),
  };
};
