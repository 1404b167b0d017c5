import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request as plainRequest } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeInfluxConfig } from '../../../src/launch/influx-server';
import type { TlsFiles } from '../../../src/platform/links/link-tls';
import { freePort } from '../../support/ports';
import { suspend } from '../../support/suspend';

/** Whoever it says that it is. */
const answersPing = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const options = { rejectUnauthorized: false, agent: false as const };
    const ask = url.startsWith('https:') ? request(`${url}/ping`, options) : plainRequest(`${url}/ping`);
    ask.on('response', ({ statusCode }) => resolve(statusCode === 204));
    ask.on('error', () => resolve(false));
    ask.end();
  });

/** A real influxd with a folder of its own, which can be ended and started again. */
export class InfluxUnderTest {
  private process: ChildProcess | null = null;

  private constructor(
    readonly url: string,
    private readonly folder: string,
    private readonly config: string,
  ) {}

  /** @param options.tls what it shows; absent: it speaks HTTP */
  static async start({ tls }: { tls?: TlsFiles } = {}): Promise<InfluxUnderTest> {
    const folder = await mkdtemp(join(tmpdir(), 'swarm-influx-'));
    const [port, backupPort] = [await freePort(), await freePort()];
    const config = await writeInfluxConfig({
      stateDir: folder,
      host: '127.0.0.1',
      port,
      backupPort,
      login: false,
    });
    if (tls?.own) {
      const { certificate, key } = tls.own;
      const text = await readFile(config, 'utf8');
      const secure = `[http]\n  https-enabled = true\n  https-certificate = "${certificate}"\n  https-private-key = "${key}"`;
      await writeFile(config, text.replace('[http]', secure));
    }
    const scheme = tls ? 'https' : 'http';
    const influx = new InfluxUnderTest(`${scheme}://127.0.0.1:${port}`, folder, config);
    await influx.run();
    return influx;
  }

  async run(): Promise<void> {
    this.process = spawn('influxd', ['-config', this.config], { stdio: 'ignore' });
    for (let tries = 0; ; tries++) {
      if (await answersPing(this.url)) return;
      if (tries > 200) throw new Error('influxd did not start');
      await sleep(50);
    }
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const ending = this.process;
    this.process = null;
    if (!ending || ending.exitCode !== null) return;
    ending.kill(signal);
    await once(ending, 'exit');
  }

  /** Stops it, until it is resumed. */
  async pause(): Promise<void> {
    const pid = this.process?.pid;
    if (pid === undefined) throw new Error('influxd does not run');
    await suspend(pid);
  }

  resume(): void {
    this.process?.kill('SIGCONT');
  }

  async remove(): Promise<void> {
    this.resume();
    await this.end('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }
}
