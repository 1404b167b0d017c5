import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parse } from 'yaml';
import { environmentSchema } from '../../src/config/config';

interface Service {
  command?: string;
  hostname?: string;
  environment?: Record<string, string>;
  ports?: string[];
  depends_on?: string[] | Record<string, { condition: string }>;
  networks?: string[];
  healthcheck?: { test: string[] };
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  mem_limit?: string;
  image?: string;
  build?: { context: string; dockerfile: string };
  logging?: { options?: Record<string, string> };
  secrets?: string[];
}

const root = join(__dirname, '..', '..');
const compose = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  services: Record<string, Service>;
  secrets: Record<string, { file: string }>;
};
const services = Object.entries(compose.services);
const ours = services.filter(([, s]) => s.command?.includes('dist/src/'));
const encoderMain = readFileSync(join(root, 'src/media/encoder/main.ts'), 'utf8');

/** Entry files of long-running parts: those that run as one. */
const entries = (): string[] =>
  readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && e.name === 'main.ts')
    .map((e) => relative(root, join(e.parentPath, e.name)))
    .filter((file) => readFileSync(join(root, file), 'utf8').includes('runPart('));

/** Begins the swarm where no supervisor does, and ends. */
const ONCE = 'src/worker/begin-swarm.ts';

const dependenciesOf = ({ depends_on = [] }: Service): string[] =>
  Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);

const defaultOf = (name: string): unknown => (environmentSchema.parse({}) as Record<string, unknown>)[name];

test('every part of the code is a service, and every service runs a part of the code', () => {
  const commands = new Set(ours.map(([, s]) => s.command?.replace('node dist/', '').replace(/\.js$/, '.ts')));
  expect([...commands].sort()).toEqual([...entries(), ONCE].sort());
  expect(existsSync(join(root, ONCE))).toBe(true);
});

test('Temporal, its UI and InfluxDB are there', () => {
  expect(Object.keys(compose.services)).toEqual(
    expect.arrayContaining(['temporal', 'temporal-ui', 'influxdb', 'relay', 'origin', 'worker', 'api']),
  );
  expect(ours.filter(([, s]) => s.command?.includes('encoder/main')).length).toBeGreaterThanOrEqual(3);
});

test.each(ours)('%s: every variable is one that the code reads, and is valid', (_name, service) => {
  const environment = service.environment ?? {};
  for (const name of Object.keys(environment).filter((n) => !n.startsWith('ENCODER_')))
    expect(Object.keys(environmentSchema.shape)).toContain(name);
  for (const name of Object.keys(environment).filter((n) => n.startsWith('ENCODER_')))
    expect(encoderMain).toContain(name);
  expect(environmentSchema.safeParse(environment).error?.issues).toBeUndefined();
});

test.each(ours)('%s: URLs name a service on the port that it listens on', (_name, service) => {
  for (const [name, value] of Object.entries(service.environment ?? {})) {
    if (!/^SWARM_(RELAY|ORIGIN|SOURCE|API)_URL$/.test(name)) continue;
    const url = new URL(value);
    expect(Object.keys(compose.services)).toContain(url.hostname);
    expect(Number(url.port)).toBe(defaultOf(name.replace('_URL', '_PORT')));
  }
});

test('ports are published on loopback only, each as the part listens', () => {
  for (const [name, service] of services) {
    for (const port of service.ports ?? []) {
      const [address, outside, inside] = port.split(':');
      expect(address).toBe('127.0.0.1');
      const own = defaultOf(`SWARM_${name.toUpperCase()}_PORT`);
      const players = Number(service.environment?.SWARM_PLAYER_PORT);
      if (own !== undefined) expect(name === 'origin' ? [own, players] : [own]).toContain(Number(outside));
      if (own !== undefined) expect(inside).toBe(outside);
    }
  }
});

test('the static fleet names the encoder services with their own ids and ports', () => {
  const fleet = String(ours[0]?.[1].environment?.SWARM_ENCODERS).split(',');
  for (const entry of fleet) {
    const [, id, host, port] = /^([^=]+)=([^:]+):(\d+)$/.exec(entry) ?? [];
    const environment = compose.services[String(host)]?.environment;
    expect(environment?.ENCODER_ID).toBe(id);
    expect(environment?.ENCODER_PORT).toBe(port);
  }
});

test('encoders go to the relay, the origin and the worker of this file, whatever an order says', () => {
  for (const [, service] of ours.filter(([, s]) => s.command?.includes('encoder/main'))) {
    const { SWARM_RELAY_URL, SWARM_ORIGIN_URL, ...own } = service.environment ?? {};
    expect(own).toMatchObject({ ENCODER_RELAY_URL: SWARM_RELAY_URL, ENCODER_ORIGIN_URL: SWARM_ORIGIN_URL });
    expect(own.ENCODER_CLIP_HOSTS).toBe(compose.services.worker?.hostname);
  }
});

test('no encoder shares a volume with the key of the continuity check', () => {
  for (const [, service] of ours.filter(([, s]) => s.command?.includes('encoder/main')))
    expect((service as { volumes?: unknown }).volumes).toBeUndefined();
});

test('every part knows the others by a secret, and the API alone that of the administrator', () => {
  for (const [name, { secrets = [], environment }] of ours) {
    expect([name, environment?.SWARM_PART_TOKEN_FILE]).toEqual([name, '/run/secrets/part-token']);
    const isApi = name === 'api';
    expect([name, ...secrets]).toEqual([name, 'part-token', ...(isApi ? ['admin-token'] : [])]);
    expect(environment?.SWARM_ADMIN_TOKEN_FILE).toBe(isApi ? '/run/secrets/admin-token' : undefined);
    for (const secret of secrets) expect(Object.keys(compose.secrets)).toContain(secret);
  }
});

/** NAME:VERSION@sha256:DIGEST. */
const PINNED = /^[a-z0-9./-]+:\d[\w.-]*@sha256:[0-9a-f]{64}$/;

test('every image of others is named by its version and its digest', () => {
  const own = compose.services.api!.image;
  const dockerfile = readFileSync(join(root, 'deploy', 'Dockerfile'), 'utf8');
  const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image!);
  const images = services.flatMap(([, { image }]) => (image === own ? [] : [image!]));
  expect([bases.length, images.length]).toEqual([1, 4]);
  for (const image of [...bases, ...images]) expect(image).toMatch(PINNED);
  // Ours is built here, and never pulled.
  for (const [name, service] of ours)
    expect([name, service.image, service.build]).toMatchObject([name, own, {}]);
});

test('every dependency is a service', () => {
  for (const [, service] of services)
    for (const other of dependenciesOf(service)) expect(Object.keys(compose.services)).toContain(other);
});

test.each(services)('%s: its log has a bound', (_name, service) => {
  expect(service.logging?.options).toEqual({ 'max-size': '8m', 'max-file': '2' });
});

test.each(services)('%s: it can gain no rights, and has a bound on memory', (name, service) => {
  expect(service.security_opt).toEqual(['no-new-privileges:true']);
  expect(service.mem_limit).toMatch(/^\d+[mg]$/);
  expect([name, service.networks?.length]).not.toEqual([name, undefined]);
});

test.each(ours)(
  '%s: it writes to its volume alone, without rights of root, and says whether it works',
  (name, service) => {
    expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    if (name === 'begin-swarm') return;
    const own = defaultOf(`SWARM_${name.toUpperCase()}_PORT`);
    const port = typeof own === 'number' ? `${own}` : service.environment?.ENCODER_PORT;
    expect(service.healthcheck?.test.join(' ')).toContain(port);
  },
);

test('what is waited for until it works says whether it does', () => {
  for (const [, { depends_on: others = {} }] of services) {
    if (Array.isArray(others)) continue;
    for (const [name, { condition }] of Object.entries(others)) {
      expect(condition).toBe('service_healthy');
      expect([name, compose.services[name]?.healthcheck !== undefined]).toEqual([name, true]);
    }
  }
});

test('encoders share no network with a database or the source, and no port of a database is published', () => {
  const encoders = ours.filter(([, s]) => s.command?.includes('encoder/main'));
  const seen = new Set(encoders.flatMap(([, { networks = [] }]) => networks));
  const inSight = services.filter(([, { networks = [] }]) => networks.some((network) => seen.has(network)));
  const names = inSight.map(([name]) => name);
  for (const name of ['relay', 'origin']) expect(names).toContain(name);
  for (const name of ['postgresql', 'influxdb', 'temporal', 'temporal-ui', 'source'])
    expect(names).not.toContain(name);
  for (const name of ['postgresql', 'influxdb']) expect(compose.services[name]?.ports).toBeUndefined();
});
