/** A real browser, driven over its own pipe (Chrome DevTools Protocol). */
import { spawn } from 'node:child_process';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { identify, killTree } from '../../host/processes.js';
import { until } from './lockkeeper.js';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome'];

/** Path of a browser of this machine; `null` when it has none. */
export async function findBrowser(): Promise<string | null> {
  for (const folder of (process.env.PATH ?? '').split(delimiter))
    for (const program of PROGRAMS) {
      const path = join(folder, program);
      const found = await access(path).then(
        () => true,
        () => false,
      );
      if (found) return path;
    }
  return null;
}

export interface Browser {
  /** Opens a page, and waits until it or the message that it cannot be had is shown. */
  open(url: string): Promise<Page>;
  close(): Promise<void>;
}

export interface Page {
  /** Why the browser shows no page of that address, such as `net::ERR_UNSAFE_PORT`. */
  readonly failure: string | null;
  /** Messages of the dialogs (`alert`) that the page opened so far. Each is closed at once: a page with an open one answers nothing. */
  readonly dialogs: readonly string[];
  /** Shows it at a width in pixels, in a colour scheme, on a screen or on paper. */
  show(look: Look): Promise<void>;
  /** The whole page as PNG. */
  picture(): Promise<Buffer>;
  /** Runs a script in the page, and gives what it resolves with. */
  run(script: string): Promise<unknown>;
}

export interface Look {
  readonly width: number;
  readonly scheme: 'light' | 'dark';
  readonly media: 'screen' | 'print';
}

/** How long the browser may take for one thing that it is asked, in milliseconds. */
const ANSWER_MS = 20_000;

/** An answer, or a message about something that happened in a page. */
interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly message?: string };
  readonly sessionId?: string;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

/** @param names that mean 127.0.0.1 to this browser, as a name does whose owner points it there */
export async function startBrowser(program: string, names: readonly string[]): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'lockkeeper-browser-'));
  const child = spawn(
    program,
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
      '--hide-scrollbars',
      ...['--remote-debugging-pipe', `--user-data-dir=${profile}`],
      `--host-resolver-rules=${names.map((name) => `MAP ${name} 127.0.0.1`).join(',')}`,
    ],
    { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: true, env: { ...process.env, HOME: profile } },
  );
  const [, , , into, from] = child.stdio as unknown as readonly [null, null, null, Writable, Readable];
  const waiting = new Map<number, (answer: Answer) => void>();
  /** By session, which is one for each page. */
  const dialogs = new Map<string, string[]>();
  let rest = '';
  from.on('data', (data: Buffer) => {
    const messages = `${rest}${data.toString()}`.split('\0');
    rest = messages.pop() ?? '';
    for (const message of messages) {
      const answer = JSON.parse(message) as Answer;
      waiting.get(answer.id ?? 0)?.(answer);
      if (answer.method !== 'Page.javascriptDialogOpening') continue;
      dialogs.get(answer.sessionId ?? '')?.push(answer.params?.message ?? '');
      void ask('Page.handleJavaScriptDialog', { accept: true }, answer.sessionId).catch(() => undefined);
    }
  });
  let last = 0;
  const ask = async (
    method: string,
    params: object = {},
    sessionId?: string,
  ): Promise<Readonly<Record<string, unknown>>> => {
    last += 1;
    const id = last;
    const late = { id, error: { message: `no answer to ${JSON.stringify(params)} in ${ANSWER_MS} ms` } };
    const answered = new Promise<Answer>((resolve) => {
      const timer = setTimeout(resolve, ANSWER_MS, late);
      waiting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
    }).finally(() => waiting.delete(id));
    into.write(`${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`);
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  };

  return {
    open: async (url) => {
      const { targetId } = await ask('Target.createTarget', { url: 'about:blank' });
      const { sessionId } = (await ask('Target.attachToTarget', { targetId, flatten: true })) as { sessionId: string };
      const run = async (script: string): Promise<unknown> => {
        const asked = { expression: script, awaitPromise: true, returnByValue: true };
        const { result, exceptionDetails } = (await ask('Runtime.evaluate', asked, sessionId)) as {
          result: { value?: unknown };
          exceptionDetails?: object;
        };
        if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
        return result.value;
      };
      const opened: string[] = [];
      dialogs.set(sessionId, opened);
      await ask('Page.enable', {}, sessionId);
      const { errorText = null } = (await ask('Page.navigate', { url }, sessionId)) as { errorText?: string };
      await until(
        async () => (await run(`location.href !== 'about:blank' && document.readyState === 'complete'`)) === true,
        20_000,
        () => `${url} is not shown`,
      );
      const show = async ({ width, scheme, media }: Look): Promise<void> => {
        const metrics = { width, height: 900, deviceScaleFactor: 1, mobile: false };
        await ask('Emulation.setDeviceMetricsOverride', metrics, sessionId);
        const features = [{ name: 'prefers-color-scheme', value: scheme }];
        await ask('Emulation.setEmulatedMedia', { media, features }, sessionId);
      };
      const picture = async (): Promise<Buffer> => {
        const whole = { format: 'png', captureBeyondViewport: true };
        const { data } = (await ask('Page.captureScreenshot', whole, sessionId)) as { data: string };
        return Buffer.from(data, 'base64');
      };
      return { failure: errorText, dialogs: opened, run, show, picture };
    },
    close: async () => {
      const identity = await identify(child.pid ?? 0);
      if (identity !== null) await killTree(identity, 2000);
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}
