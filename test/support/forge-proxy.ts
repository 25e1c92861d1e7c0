import { withDisturbances, type Disturbances } from './forge-server.js';
import { withHttp } from './http.js';
import type { Scope } from './scope.js';

/** A proxy before a forge of this machine until the end of a scope, with which requests can be disturbed; the forge is below a path of it. */
export async function withForgeProxy(
  scope: Scope,
  target: string,
): Promise<{ readonly url: string; readonly disturbances: Disturbances }> {
  const disturbances = withDisturbances();
  const below = '/git';
  const { url } = await withHttp(scope, (request, response) => {
    void (async () => {
      const { method = '', headers } = request;
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (request.url?.startsWith(`${below}/`) !== true) {
        response.writeHead(404).end('<html>Welcome</html>');
        return;
      }
      const path = request.url.slice(below.length);
      const { before, instead } = disturbances.take(method, new URL(path, target).pathname) ?? {};
      await before?.();
      const { authorization = '', 'content-type': type = 'application/json' } = headers;
      const answer = await fetch(`${target}${path}`, {
        ...{ method, redirect: 'manual', headers: { authorization, 'content-type': type } },
        ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
      });
      const body = await answer.text();
      if (instead !== undefined) {
        instead(response, body);
        return;
      }
      // What Gitea knows to be below a path it says so: `ROOT_URL` of its settings.
      const location = answer.headers
        .get('location')
        ?.replace(target, '')
        .replace(/^(?=\/)/, below);
      response.writeHead(answer.status, {
        'content-type': answer.headers.get('content-type') ?? '',
        ...(location !== undefined && { location }),
      });
      response.end(body);
    })();
  });
  return { url: `${url}${below}`, disturbances: disturbances.all };
}
