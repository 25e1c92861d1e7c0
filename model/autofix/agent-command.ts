import path from 'node:path';

/** Stand for the prompt, and for the path of a file that holds it, in arguments of an agent. */
const PROMPT = '{prompt}';
const PROMPT_FILE = '{promptFile}';

/**
 * Arguments by which well-known agents edit files without a person, put behind the owner's own. As their own help says it of
 * aider 0.86, Claude Code 2.1, Codex 0.169, Gemini CLI 0.61 and OpenCode 1.18.
 */
const PRESETS: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'aider',
    [
      '--yes-always',
      '--no-auto-commits',
      // Otherwise it says yes to a change of .gitignore, which is protected, to installing another version of itself, and
      // to opening what the prompt links to.
      '--no-gitignore',
      '--no-check-update',
      '--no-show-release-notes',
      '--no-detect-urls',
      '--message-file',
      PROMPT_FILE,
    ],
  ],
  ['claude', ['--permission-mode', 'acceptEdits', '-p', PROMPT]],
  // Without it, it only reads.
  ['codex', ['exec', '--sandbox', 'workspace-write', PROMPT]],
  // It refuses to work without a person in a folder that nobody has called trusted.
  ['gemini', ['--approval-mode', 'yolo', '--skip-trust', '-p', PROMPT]],
  ['opencode', ['run', PROMPT]],
]);
const USUAL = ['-p', PROMPT];

/** Arguments of an agent: the owner's, and behind them how it is given the prompt, unless a placeholder says where. */
export function agentArguments(
  command: string,
  args: readonly string[],
  prompt: { readonly text: string; readonly file: string },
): string[] {
  const isPlaced = args.some((arg) => arg.includes(PROMPT) || arg.includes(PROMPT_FILE));
  const all = isPlaced ? args : [...args, ...(PRESETS.get(path.basename(command)) ?? USUAL)];
  // In one go: the prompt may hold the words of a placeholder itself.
  return all.map((arg) =>
    arg.replace(/\{prompt(?:File)?\}/g, (found) => (found === PROMPT ? prompt.text : prompt.file)),
  );
}
