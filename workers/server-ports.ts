import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const LOOPBACK = '127.0.0.1';

/**
 * Ports to which browsers connect for no page, whatever name or address it uses: "bad ports" of the Fetch Standard. These need no
 * rights, and little else uses them.
 */
const FOR_UI = 6667;
const FOR_HTTP_API = [1719, 1720, 1723, 3659];
const FOR_METRICS = [4045, 5060, 5061, 6566, 6665, 6666, 6668, 6669, 6697, 10080];
export const CLOSED_TO_BROWSERS = [FOR_UI, ...FOR_HTTP_API, ...FOR_METRICS];

export interface ServerPorts {
  readonly frontend: number;
  /** Of the HTTP API, which answers nobody; the development server opens it in any case. */
  readonly http: number;
  /** The same for metrics, which answer everybody. */
  readonly metrics: number;
  /** Whether a browser gets to the metrics, because all better ports are taken. */
  readonly metricsAreOpen: boolean;
  /** Address and port of the server's own UI, which only `serveUi` talks to. */
  readonly ui: Endpoint;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * Chooses free ports for a server, so that browsers get to its frontend alone, which speaks no language of theirs.
 * @param wanted for the frontend if it is free, else one that the kernel chooses
 */
export async function choosePorts(wanted: number): Promise<ServerPorts> {
  const frontend = await frontendPort(wanted);
  const metrics = await firstFree(FOR_METRICS);
  return {
    frontend,
    http: (await firstFree(FOR_HTTP_API)) ?? (await anyPort()),
    metrics: metrics ?? (await anyPort()),
    metricsAreOpen: metrics === null,
    ui: await uiEndpoint(),
  };
}

/** The threads of a server that was killed may hold its port for a moment, and workers and commands look for the next one there. */
async function frontendPort(wanted: number): Promise<number> {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const port = await bindable(LOOPBACK, attempt < 20 ? wanted : 0);
    if (port !== null) return port;
    if (wanted !== 0 && attempt < 20) await sleep(100);
  }
  throw new Error('no free port for the embedded Temporal server');
}

async function uiEndpoint(): Promise<Endpoint> {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const host = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
    if ((await bindable(host, FOR_UI)) !== null) return { host, port: FOR_UI };
  }
  throw new Error('no address of 127.0.0.0/8 can be had for the UI of the embedded Temporal server');
}

async function anyPort(): Promise<number> {
  const port = await bindable(LOOPBACK, 0);
  if (port === null) throw new Error('no free port for the embedded Temporal server');
  return port;
}

/** One of the ports that is free; `null` when none is. Several servers that start at once begin to look at different ones. */
async function firstFree(ports: readonly number[]): Promise<number | null> {
  const start = randomInt(ports.length);
  for (const port of [...ports.slice(start), ...ports.slice(0, start)])
    if ((await bindable(LOOPBACK, port)) !== null) return port;
  return null;
}

/** The port, if one may listen there; `null` if not. */
function bindable(host: string, port: number): Promise<number | null> {
  const probe = createServer();
  return new Promise((resolve) => {
    probe.once('error', () => {
      resolve(null);
    });
    probe.listen(port, host, () => {
      const address = probe.address();
      probe.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : null);
      });
    });
  });
}
