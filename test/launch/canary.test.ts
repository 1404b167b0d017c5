import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { operations } from '../../src/contracts/api';
import type { Operation } from '../../src/contracts/api/operation';
import { fleetRoutes } from '../../src/contracts/fleet';
import { originRoutes } from '../../src/contracts/origin';
import { relayRoutes } from '../../src/contracts/relay';
import { sourceRoutes } from '../../src/contracts/source';
import { INPUT_SCHEMES } from '../../src/media/source/input-policy';
import { HEALTH_ROUTE, type Route } from '../../src/platform/route';
import { portsFor } from '../../src/setup';
import { makeClip } from '../mpegts/ffmpeg-clips';
import { claimPortBase, freePort } from '../support/ports';
import { SupervisorProcess } from '../support/supervisor-process';
import { until } from '../support/until';

/**
 * A secret in every place that takes one, and a look everywhere else: a real swarm, whose inputs partly fail, as failures
 * are what speaks of them. Schemes, operations and routes come from their tables, so that a new one is tried by itself.
 */

const CANARY = `c4n4ry${randomBytes(6).toString('hex')}`;
/** In the same places, and no secret: what is looked through would show a canary, too. */
const MARKER = `m4rker${randomBytes(6).toString('hex')}`;

/** A secret wherever a URL has room for one. */
const inputOf = (scheme: string, port: number, name = 'cam'): string => {
  const keys = ['token', 'passphrase', 'streamid', 'key', 'sig'].map((key) => `${key}=${CANARY}-${key}`);
  // As people write them, where no server looks at them.
  keys.push(`stream_key='a,${CANARY};b`, `src=rtsp%3A%2F%2Fme%3A${CANARY}%40cam%2Fx`);
  // The last part of an rtmp path is the key of its stream.
  const path = scheme.startsWith('rtmp') ? `${MARKER}/${CANARY}-stream-key` : `${MARKER}/${name}`;
  return `${scheme}://${MARKER}:${CANARY}-password@127.0.0.1:${port}/${path}?${keys.join('&')}`;
};
/** They name no one who is asked, and so nothing to ask him with. */
const SILENT = ['udp', 'rtp', 'file', 'push'];

let folder: string;
let stateDir: string;
let swarm: SupervisorProcess;
let media: Server;
let database: Server;
let databaseFails = false;
let portBase: number;
let inputs: Record<string, string>;

const listening = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'encoder-swarm-canary-'));
  stateDir = join(folder, 'state');
  const clip = makeClip('ffmpeg', { seconds: 8 });
  const login = `Basic ${Buffer.from(`${MARKER}:${CANARY}-password`).toString('base64')}`;
  media = createServer((req, res) => {
    const isAllowed = req.headers.authorization === login && req.url?.includes(`token=${CANARY}-token`);
    if (isAllowed) res.writeHead(200, { 'content-type': 'video/mp2t' }).end(clip);
    else res.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  });
  database = createServer((req, res) => {
    req.resume();
    if (databaseFails) res.writeHead(503).end(JSON.stringify({ error: 'no' }));
    else if (req.url?.startsWith('/query')) res.end(JSON.stringify({ results: [{ statement_id: 0 }] }));
    else res.writeHead(204, { 'x-influxdb-version': '1.8.10' }).end();
  });
  const [mediaPort, databasePort, nowhere] = [
    await listening(media),
    await listening(database),
    await freePort(),
  ];
  const schemes = INPUT_SCHEMES.filter((scheme) => !SILENT.includes(scheme));
  expect(schemes).toEqual(expect.arrayContaining(['http', 'srt', 'rtmp', 'rtsp']));
  inputs = {
    ...Object.fromEntries(schemes.map((scheme) => [`bad-${scheme}`, inputOf(scheme, nowhere)])),
    cam: inputOf('http', mediaPort),
  };
  // By a file, and by the argument itself.
  const file = join(folder, 'input');
  await writeFile(file, inputs.cam!, { mode: 0o600 });
  const named = { ...inputs, cam: `@${file}` };
  portBase = await claimPortBase();
  swarm = SupervisorProcess.start(
    [
      ...Object.entries(named).flatMap(([id, url]) => ['--input', `${id}=${url}`]),
      ...['--channels', '1', '--encoders', '1', '--encoder-units', '6'],
      ...['--port-base', String(portBase), '--state-dir', stateDir],
    ],
    { INFLUX_URL: `http://${MARKER}:${CANARY}-database@127.0.0.1:${databasePort}` },
  );
  await swarm.says('page ');
}, 90_000);
afterAll(async () => {
  swarm?.process.kill('SIGINT');
  await swarm?.ended;
  for (const server of [media, database]) {
    server.closeAllConnections();
    server.close();
  }
  await rm(folder, { recursive: true, force: true });
});

const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const has = (text: string | Buffer, what: string): boolean => text.includes(what);
const secretOf = (path: string): string => readFileSync(join(stateDir, path), 'utf8').trim();

/** What a GET answers, as far as it comes within a moment: streams have no end. */
const answerTo = async (url: string, token: string): Promise<string> => {
  const limit = AbortSignal.timeout(1_500);
  try {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await fetch(url, { headers, signal: limit, redirect: 'manual' });
    let text = `${answer.status} ${JSON.stringify([...answer.headers])}`;
    try {
      for await (const chunk of answer.body ?? [])
        text += Buffer.from(chunk as Uint8Array).toString('latin1');
    } catch {
      // The stream went on.
    }
    return text;
  } catch (error) {
    return String(error);
  }
};

const filled = (path: string): string =>
  path
    .replace(':file', '0.ts')
    .replace(':rendition', '180p')
    .replace(/:gop|\{gop\}/, '0')
    .replace(/\{id\}|:id/, 'cam')
    .replace(/\{[^}]+\}/g, 'cam');

/** Everything that can be asked for with a GET, by all who may. */
const everyAnswer = async (): Promise<Map<string, string>> => {
  const ports = portsFor(portBase, {});
  const [part, admin] = [secretOf('secrets/part-token'), secretOf('secrets/admin-token')];
  const gets = (routes: readonly Route[]): string[] =>
    routes.flatMap(({ method, path }) => (method === 'GET' ? [filled(path)] : []));
  const ofApi = (Object.values(operations) as Operation[]).flatMap(({ method, path }) =>
    method === 'get' ? [`/api${filled(path)}`] : [],
  );
  const listeners: [number, string, string[]][] = [
    [ports.api, admin, ['/', ...ofApi]],
    [ports.origin, part, gets(originRoutes)],
    [ports.relay, part, gets(relayRoutes)],
    [ports.source, part, gets(sourceRoutes)],
    [ports.fleet, part, gets(fleetRoutes)],
    ...[ports.collector, ports.worker].map((port): [number, string, string[]] => [
      port,
      part,
      [HEALTH_ROUTE.path],
    ]),
  ];
  const asked = listeners.flatMap(([port, token, paths]) =>
    paths.map(async (path): Promise<[string, string]> => {
      const url = `http://127.0.0.1:${port}${path}`;
      return [url, await answerTo(url, token)];
    }),
  );
  return new Map(await Promise.all(asked));
};

test('what is given at the start and by the API is found where it is kept, and nowhere else', async () => {
  const ports = portsFor(portBase, {});
  const api = `http://127.0.0.1:${ports.api}/api`;
  const authorization = `Bearer ${secretOf('secrets/admin-token')}`;
  // Every command that takes an input, with one that is refused and one that is taken.
  const nowhere = await freePort();
  const candidate = (url: string) => ({ id: 'by-api', input: { kind: 'url', url } });
  const takers = (Object.values(operations) as Operation[]).filter(
    ({ body, path }) =>
      body !== undefined &&
      path.startsWith('/channels') &&
      [candidate('http://a/'), { input: candidate('http://a/').input }].some(
        (x) => body.safeParse(x).success,
      ),
  );
  expect(takers.map(({ method }) => method)).toEqual(expect.arrayContaining(['post', 'patch']));
  const told: string[] = [];
  for (const { method, path, body } of takers) {
    for (const url of [inputOf('srt', nowhere, 'api'), inputOf('gopher', nowhere, 'api')]) {
      const { id: _, ...withoutId } = candidate(url);
      const json = body!.safeParse(candidate(url)).success ? candidate(url) : withoutId;
      const answer = await fetch(api + path.replace('{id}', 'ch-1'), {
        method: method.toUpperCase(),
        headers: { authorization, 'content-type': 'application/json' },
        body: JSON.stringify(json),
      });
      told.push(`${answer.status} ${await answer.text()}`);
    }
  }
  // Failures speak: of the database, and of inputs that went away.
  databaseFails = true;
  media.closeAllConnections();
  await until('the failure of the database is told', async () =>
    (await answerTo(`${api}/status`, secretOf('secrets/admin-token'))).includes('InfluxDB'),
  );
  const commandLines = seenByOthers();

  const answers = await everyAnswer();
  const elsewhere = {
    ...{ 'output of the start': swarm.output, 'command line': printedByCommands() },
    "Temporal's page": await shownByTemporal(),
  };
  for (const [where, text] of Object.entries(elsewhere)) {
    expect([where, has(text, CANARY)]).toEqual([where, false]);
    expect([where, has(text, MARKER)]).toEqual([where, true]);
  }
  expect([...answers].filter(([, text]) => has(text, CANARY)).map(([url]) => url)).toEqual([]);
  expect(told.filter((text) => has(text, CANARY))).toEqual([]);
  // They are looked through where they would be found.
  expect([...answers.values()].filter((text) => has(text, MARKER)).length).toBeGreaterThan(2);
  for (const [url, text] of answers) expect([url, text.slice(0, 4)]).not.toEqual([url, '500 ']);

  expect(has(commandLines, 'media/source/main')).toBe(true);
  expect(has(commandLines, CANARY)).toBe(false);

  const files = filesBelow(stateDir);
  const withCanary = files
    .filter((file) => has(readFileSync(file), CANARY))
    .map((f) => relative(stateDir, f));
  expect(withCanary.sort()).toEqual(['source/channels.copy.json', 'source/channels.json']);
  for (const file of withCanary)
    expect([file, statSync(join(stateDir, file)).mode & 0o777]).toEqual([file, 0o600]);
  // Histories of workflows, and logs.
  const withMarker = files
    .filter((file) => has(readFileSync(file), MARKER))
    .map((f) => relative(stateDir, f));
  expect(withMarker.some((file) => /temporal.*\.db/.test(file))).toBe(true);
  expect(withMarker).toContain('logs/source.log');

  // What the swarm has made for itself stands in its own file, and nowhere else either.
  const own = files.map((file) => relative(stateDir, file)).filter((name) => name.startsWith('secrets/'));
  expect(own).toEqual(expect.arrayContaining(['secrets/part-token', 'secrets/admin-token']));
  for (const name of [...own, 'stamp.key']) {
    const secret = readFileSync(join(stateDir, name));
    const needle = name === 'stamp.key' ? secret : secret.toString().trim();
    const found = files
      .filter((file) => readFileSync(file).includes(needle))
      .map((f) => relative(stateDir, f));
    expect(found).toEqual([name]);
    expect([name, statSync(join(stateDir, name)).mode & 0o777]).toEqual([name, 0o600]);
    if (name === 'stamp.key') continue;
    expect([name, has(commandLines, needle.toString())]).toEqual([name, false]);
    const leaking = [...answers, ...Object.entries(elsewhere)]
      .filter(([, text]) => has(text, needle.toString()))
      .map(([where]) => where);
    expect([name, leaking]).toEqual([name, []]);
  }
}, 60_000);

/** What Temporal's page can show: every run with its history, payloads decoded, as its own API answers. */
const shownByTemporal = async (): Promise<string> => {
  const base = `http://127.0.0.1:${portsFor(portBase, {}).temporalUi}/api/v1/namespaces/default/workflows`;
  const read = async (url: string): Promise<string> => (await fetch(url)).text();
  const listed = await read(base);
  const { executions } = JSON.parse(listed) as { executions: { execution: Record<string, string> }[] };
  const histories = await Promise.all(
    executions.map(({ execution: { workflowId = '', runId = '' } }) =>
      read(`${base}/${encodeURIComponent(workflowId)}/history?execution.runId=${runId}&maximumPageSize=1000`),
    ),
  );
  const all = [listed, ...histories].join('\n');
  const payloads = [...all.matchAll(/"data":\s*"([A-Za-z0-9+/=]+)"/g)].map(([, data]) => data!);
  return [all, ...payloads.map((data) => Buffer.from(data, 'base64').toString('latin1'))].join('\n');
};

const COMMANDS = [
  'status',
  'status --json',
  'channel list',
  'channel list --json',
  'explain cam',
  'audit --json',
];

/** What people see of the command line, and copy from it. */
const printedByCommands = (): string =>
  COMMANDS.map((line) => {
    const bin = join(__dirname, '..', '..', 'bin', 'encoder-swarm.js');
    const { stdout, stderr } = spawnSync(process.execPath, [bin, ...line.split(' ')], {
      encoding: 'utf8',
      env: {
        ...process.env,
        SWARM_STATE_DIR: stateDir,
        SWARM_API_URL: `http://127.0.0.1:${portsFor(portBase, {}).api}`,
      },
    });
    return `${line}: ${stdout}${stderr}`;
  }).join('\n');

/** What another account of the machine reads of all processes: arguments, and environments where it may. */
const seenByOthers = (): string => {
  const script = 'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr "\\0" " "';
  const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const [command, ...args] =
    process.getuid?.() === 0
      ? ['setpriv', ...asNobody, 'sh', '-c', script]
      : ['sh', '-c', 'ps -eww -o args='];
  return execFileSync(command, args, { maxBuffer: 1 << 26 }).toString();
};
