import path from 'node:path';
import type { SandboxLimits } from '../../model/sandbox/limits.js';
import type { AgentNetwork } from '../../model/sandbox/sandbox.js';
import { hasFields, readJson } from '../../host/files.js';

/** What the process of an attempt is told, in a file of its record: it goes on without the worker that wrote it. */
export interface AgentOrder {
  readonly command: string;
  readonly args: readonly string[];
  readonly prompt: string;
  readonly envFile: string | null;
  readonly homePaths: readonly string[];
  readonly timeoutSeconds: number;
  /** Most that the agent may say, in bytes. */
  readonly outputBytes: number;
  /** Folders and files of the machine that the agent must not see, wherever they are. */
  readonly hidden: readonly string[];
  readonly network: AgentNetwork;
  /** Whether it may use Nix's daemon. */
  readonly nixDaemon: boolean;
  /** What is missing is what is usual on the machine. */
  readonly limits?: Partial<SandboxLimits>;
}

export interface AgentEnd {
  readonly kind: 'exit' | 'timed-out' | 'flooded' | 'over-limit' | 'unusable';
  /** Exit status or signal for `exit`, what it did for `over-limit`, and what is wrong for `unusable`, in a few words. */
  readonly what: string;
  readonly sandboxed: boolean;
}

export interface AgentPlace {
  /** Work tree of the candidate, where the agent works. */
  readonly tree: string;
  readonly home: string;
  /** Its folder for temporary files; holds the prompt. */
  readonly temporary: string;
  readonly promptFile: string;
  /** `resolv.conf` of its network. */
  readonly resolver: string;
  /** JSON `AgentOrder`. */
  readonly order: string;
  /** JSON `AgentEnd`. */
  readonly end: string;
  /** JSON `AttemptResult`: judged once, and from then on the answer to every repetition. */
  readonly result: string;
}

export function agentPlace(directory: string): AgentPlace {
  const under = (...parts: string[]): string => path.join(directory, ...parts);
  return {
    tree: under('tree'),
    home: under('home'),
    temporary: under('tmp'),
    promptFile: under('tmp', 'prompt.md'),
    resolver: under('resolv.conf'),
    order: under('order.json'),
    end: under('end.json'),
    result: under('result.json'),
  };
}

export const readEnd = (place: AgentPlace): Promise<AgentEnd | null> =>
  readJson(place.end, hasFields<AgentEnd>('kind', 'what', 'sandboxed'));
