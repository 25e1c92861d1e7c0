import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../../activities/command/process.js';
import { shellQuote } from '../../model/text/text.js';

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Tmux extends AsyncDisposable {
  /** What is on the screen, a text for each row. */
  rows(): Promise<readonly string[]>;
  /** What has scrolled out of it. */
  history(): Promise<readonly string[]>;
  resize(columns: number, rows: number): Promise<void>;
  /** Types keys, by the names that tmux has for them. */
  type(...keys: readonly string[]): Promise<void>;
  /** Waits until this is on the screen. */
  shows(text: RegExp): Promise<void>;
}

/** A command in a terminal of its own: a real tmux, with a server that nothing else uses. It stays when the command has ended. */
export async function openTmux(
  command: readonly string[],
  { columns, rows }: Size,
  env: Readonly<Record<string, string>> = {},
): Promise<Tmux> {
  const folder = await mkdtemp(path.join(tmpdir(), 'lockkeeper-tmux-'));
  const socket = path.join(folder, 'socket');
  const tmux = async (...args: readonly string[]): Promise<string> => {
    const { stdout, stderr, exitCode } = await run('tmux', ['-S', socket, '-f', '/dev/null', ...args], {
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    if (exitCode !== 0) throw new Error(`tmux ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const linesOf = (text: string): readonly string[] => text.replace(/\n$/, '').split('\n');
  const size = ['-x', String(columns), '-y', String(rows)];
  // A shell that does nothing keeps the window when the command has ended.
  // tmux has a TERM of its own for what it starts.
  const words = ['env', ...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...command];
  const kept = `${words.map(shellQuote).join(' ')}; exec sleep 1000`;
  await tmux('new-session', '-d', ...size, kept);
  const screen = async (): Promise<readonly string[]> => linesOf(await tmux('capture-pane', '-p'));
  return {
    rows: screen,
    history: async () => {
      const lines = Number((await tmux('display-message', '-p', '#{history_size}')).trim());
      return lines === 0 ? [] : linesOf(await tmux('capture-pane', '-p', '-S', '-', '-E', '-1'));
    },
    resize: async (width, height) => {
      await tmux('resize-window', '-x', String(width), '-y', String(height));
    },
    type: async (...keys) => {
      await tmux('send-keys', ...keys);
    },
    shows: async (text) => {
      for (let waited = 0; !text.test((await screen()).join('\n')); waited += 50) {
        if (waited > 20_000) throw new Error(`${String(text)} is not on the screen:\n${(await screen()).join('\n')}`);
        await sleep(50);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await tmux('kill-server').catch(() => undefined);
      await rm(folder, { recursive: true });
    },
  };
}
