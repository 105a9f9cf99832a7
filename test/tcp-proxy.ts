import { createConnection, createServer, type Server, type Socket } from 'node:net';

/**
 * A wire to a port of this machine that can fall silent: connections stay open, and nothing passes any more. It can also
 * break between a request and its answer.
 */
export class TcpProxy {
  private silent = false;
  private breaking: { readonly at: string; readonly delayMs: number } | undefined;
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
        let broken = false;
        from.on('data', (bytes: Buffer) => {
          const { breaking } = proxy;
          if (from === near && breaking !== undefined && bytes.includes(breaking.at)) {
            proxy.breaking = undefined;
            broken = true;
            near.destroy();
            setTimeout(() => far.end(bytes), breaking.delayMs);
          } else if (!deaf && !proxy.silent) to.write(bytes);
        });
        from.on('close', () => broken || to.destroy());
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

  /** The next connection over which `text` is sent breaks there; what was sent arrives `delayMs` later all the same. */
  breakAt(text: string, delayMs: number): void {
    this.breaking = { at: text, delayMs };
  }

  /** Whether `breakAt` has not happened yet. */
  get isBreaking(): boolean {
    return this.breaking !== undefined;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
