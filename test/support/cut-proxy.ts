import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A network between a worker and its server that can stop forwarding: no connection is closed, and nothing gets through. */
export interface CutProxy {
  readonly address: string;
  /** Forwards nothing until it is healed; what was sent meanwhile arrives then. */
  cut(): void;
  heal(): void;
  close(): Promise<void>;
}

/** @param server `host:port` */
export async function openCutProxy(server: string): Promise<CutProxy> {
  const [host = '', port = ''] = server.split(':');
  const sockets = new Set<Socket>();
  let isCut = false;
  const add = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    if (isCut) socket.pause();
  };
  const proxy = createServer((near) => {
    const far = connect(Number(port), host);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      add(from);
      from.on('data', (data) => to.write(data));
      from.on('close', () => to.destroy());
      if (isCut) from.pause();
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    cut: () => {
      isCut = true;
      for (const socket of sockets) socket.pause();
    },
    heal: () => {
      isCut = false;
      for (const socket of sockets) socket.resume();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => proxy.close(resolve));
    },
  };
}
