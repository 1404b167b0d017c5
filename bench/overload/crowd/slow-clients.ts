import { connect, type Socket } from 'node:net';

/** Connections that never finish a request, or ask for something and don't read it. */
export class SlowClients {
  private readonly sockets = new Set<Socket>();
  private refused = 0;

  constructor(private readonly url: string) {}

  open(count: number, say: string, options: { reads: boolean }): void {
    const { hostname, port } = new URL(this.url);
    for (let i = 0; i < count; i++) {
      const socket = connect(Number(port), hostname, () => {
        socket.write(say);
        if (options.reads) socket.resume();
        else socket.pause();
      });
      socket.on('error', () => (this.refused += 1)).on('close', () => this.sockets.delete(socket));
      this.sockets.add(socket);
    }
  }

  /** Those still connected, as far as this end has noticed, and those that were refused. */
  get counts(): { connected: number; refused: number } {
    return { connected: this.sockets.size, refused: this.refused };
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
  }
}
