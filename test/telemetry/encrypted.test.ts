import { readEnvironment } from '../../src/config/config';
import { createTelemetryStore } from '../../src/telemetry';
import { makeCertificates, type Certificates } from '../support/certificates';
import { InfluxUnderTest } from './support/influx-under-test';

let certificates: Certificates;
let influx: InfluxUnderTest;
beforeAll(async () => {
  certificates = await makeCertificates();
  influx = await InfluxUnderTest.start({ tls: certificates.files });
});
afterAll(async () => {
  await influx?.remove();
  await certificates?.remove();
});

const asked = async (variables: Record<string, string>): Promise<unknown> => {
  const environment = readEnvironment({ INFLUX_URL: influx.url, ...variables });
  const store = createTelemetryStore(environment);
  try {
    return await store.latestAudience({ cell: 'local', channelIds: [] });
  } finally {
    await store.close();
  }
};

test('a real InfluxDB over https is used with its authority, and not without', async () => {
  expect(influx.url).toMatch(/^https:/);
  await expect(asked({ INFLUX_TLS_CA: certificates.files.ca })).resolves.toBeDefined();
  const refused = { code: 'unavailable' };
  await expect(asked({})).rejects.toMatchObject(refused);
  await expect(asked({ INFLUX_TLS_CA: certificates.foreignFiles.ca })).rejects.toMatchObject(refused);
  await expect(asked({ INFLUX_URL: influx.url.replace('https:', 'http:') })).rejects.toMatchObject({
    code: expect.stringMatching(/unavailable|bad-request/),
  });
});

test('settings that can not be meant are refused when a part starts', () => {
  const { ca, own } = certificates.files;
  const made = (variables: Record<string, string>) => () =>
    createTelemetryStore(readEnvironment({ INFLUX_URL: influx.url, ...variables }));
  const refusals: [variables: Record<string, string>, words: string][] = [
    [{ INFLUX_TLS_CA: `${ca}.none` }, 'ENOENT'],
    [{ INFLUX_TLS_CERTIFICATE: own.certificate }, 'go together'],
    [{ INFLUX_TLS_CA: ca, INFLUX_URL: 'http://127.0.0.1:8086' }, 'is not encrypted'],
  ];
  for (const [variables, words] of refusals) {
    expect(made(variables)).toThrow(
      expect.objectContaining({ code: 'bad-request', message: expect.stringContaining(words) }) as Error,
    );
  }
});
