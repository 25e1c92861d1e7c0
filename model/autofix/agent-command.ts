import path from 'node:path';

/** Stand for the prompt, and for the path of a file that holds it, in arguments of an agent. */
const PROMPT = '{prompt}';
const PROMPT_FILE = '{promptFile}';

/** Arguments by which well-known agents work without a person, put behind the owner's own. */
const PRESETS: ReadonlyMap<string, readonly string[]> = new Map([
  ['aider', ['--yes-always', '--no-auto-commits', '--message-file', PROMPT_FILE]],
  ['claude', ['--permission-mode', 'acceptEdits', '-p', PROMPT]],
  ['codex', ['exec', PROMPT]],
  ['gemini', ['--yolo', '-p', PROMPT]],
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
