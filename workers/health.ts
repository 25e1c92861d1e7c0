import { createServer } from 'node:http';
import type { Worker } from '@temporalio/worker';

/**
 * Answers on 127.0.0.1: `/healthz` while the process lives, `/readyz` once every worker polls (503 before and while it
 * stops). Both give each worker's state as JSON.
 * @param workers by task queue; may be filled later, and nothing is ready while it is empty
 * @returns the address that it listens on
 */
export async function serveHealth(port: number, workers: ReadonlyMap<string, Worker>): Promise<string> {
  const server = createServer((request, response) => {
    const states = Object.fromEntries([...workers].map(([queue, worker]) => [queue, worker.getState()]));
    const ready = workers.size > 0 && Object.values(states).every((state) => state === 'RUNNING');
    const known = request.url === '/healthz' || request.url === '/readyz';
    const status = !known ? 404 : request.url === '/readyz' && !ready ? 503 : 200;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(known ? { ready, workers: states } : { error: 'ask for /healthz or /readyz' }));
  });
  return await new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const message = `health cannot be served at 127.0.0.1:${port}: ${error.message}. Give another --health-port`;
      reject(new Error(message, { cause: error }));
    });
    server.listen(port, '127.0.0.1', () => {
      server.unref();
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : port;
      resolve(`http://127.0.0.1:${bound}`);
    });
  });
}
