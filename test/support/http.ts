import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { atEndOf, type Scope } from './scope.js';

/** A web server of this machine until the end of a scope. @returns its address without a slash at its end, and the server */
export async function withHttp(
  scope: Scope,
  listener: RequestListener,
): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEndOf(scope, () => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/**
 * A Git remote by HTTP that asks for a password, and refuses it in its own words.
 * @param words made of the whole header, and of the name and password in it
 */
export const withRefusingRemote = async (
  scope: Scope,
  words: (header: string, plain: string) => string,
): Promise<string> => {
  const answer = ({ headers: { authorization } }: IncomingMessage, response: ServerResponse): void => {
    if (authorization === undefined) {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="test"' }).end();
      return;
    }
    const plain = Buffer.from(authorization.replace('Basic ', ''), 'base64').toString();
    response.writeHead(403, { 'Content-Type': 'text/plain' }).end(`${words(authorization, plain)}\n`);
  };
  const { url } = await withHttp(scope, answer);
  return url;
};
