import type { FoundProgram, FoundServer, SetupContext } from './context';
import { findOrUnpack } from './program-ladder';

/** InfluxDB with the 1.x API: INFLUX_URL, else `influxd`. @throws as findOrUnpack */
export const findOrInstallInflux = async (context: SetupContext): Promise<FoundServer | FoundProgram> => {
  const { INFLUX_URL: url } = context.env;
  if (url) return { url, how: 'INFLUX_URL' };
  return findOrUnpack(context, {
    title: 'InfluxDB',
    name: 'influxd',
    debianPackage: 'influxdb',
    pathInPackage: 'usr/bin/influxd',
    hint: 'Install InfluxDB 1.x so that influxd is on PATH (Debian: apt-get install influxdb), or set INFLUX_URL to a running server.',
  });
};
