import { createConnection, createServer, type Server, type Socket } from 'node:net';

/** A wire to a port of this machine that can fall silent: connections stay open, and nothing passes any more. */
export class TcpProxy {
  private silent = false;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async to(target: number): Promise<TcpProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new TcpProxy(server, (server.address() as { port: number }).port);
    server.on('connection', (near) => {
      const far = createConnection(target, '127.0.0.1');
      // What was made in silence stays silent.
      const deaf = proxy.silent;
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        proxy.sockets.add(from);
        from.on('error', () => undefined);
        from.on('data', (bytes) => deaf || proxy.silent || to.write(bytes));
        from.on('close', () => to.destroy());
      }
    });
    return proxy;
  }

  silence(): void {
    this.silent = true;
  }

  /** New connections pass; those that were silent have lost bytes and are of no use. */
  resume(): void {
    this.silent = false;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
