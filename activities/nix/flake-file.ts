import { createHash } from 'node:crypto';
import { isSecretSetting } from '../../model/checks/names.js';
import { oneLine } from '../../model/text/one-line.js';
import type { Repository } from '../../model/run/options.js';
import { redactUrl } from '../../model/text/text.js';
import { flakeText } from '../git/flake-files.js';
import { openGit } from '../git/git.js';
import { evaluateRestricted } from './commands.js';
import { runNix } from './run-nix.js';

export interface FlakeAtCommit {
  /** Path of the bare mirror, which has the commit. */
  readonly mirror: string;
  readonly commit: string;
  readonly repository: Repository;
}

/** Text of `flake.nix`; `null` when the commit does not have it. Throws `NoFlake` for a link that leads to nothing. */
export const readFlakeFile = (flake: FlakeAtCommit): Promise<string | null> =>
  flakeText(openGit(flake.mirror), flake.repository, flake.commit, 'flake.nix');

/** A setting of a flake's `nixConfig`, its value as `--option` takes it. */
export type FlakeSetting = readonly [name: string, value: string];

/**
 * The settings in the `nixConfig` of a `flake.nix`, sorted by name. The file is evaluated as data: whatever would need a
 * file, the network or a build makes it unreadable, which Nix would refuse too.
 * @returns `null` when it cannot be read as data
 */
export async function flakeSettings(flakeText: string): Promise<readonly FlakeSetting[] | null> {
  // The usual flake has none; then nothing needs to be evaluated.
  if (!flakeText.includes('nixConfig')) return [];
  const settings = await evaluateData(flakeText, 'flake.nixConfig or { }');
  if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) return null;
  return Object.entries(settings)
    .map(([name, value]) => [name, settingText(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Names of the inputs that a `flake.nix` declares or that its outputs take; `null` when it cannot be read as data. */
export async function declaredInputs(flakeText: string): Promise<readonly string[] | null> {
  const wishes = await inputWishes(flakeText);
  return wishes === null ? null : [...wishes.keys()];
}

/** What a `flake.nix` says of one input: attributes of its source, and `flake`, `follows` and `inputs` as far as it has them. */
export type InputWish = Readonly<Record<string, unknown>>;

/** What a `flake.nix` says of its inputs, those that only its outputs take included; `null` when it cannot be read as data. */
export async function inputWishes(flakeText: string): Promise<ReadonlyMap<string, InputWish> | null> {
  return (await wholeWishes(flakeText))?.wishes ?? null;
}

/** The same, and what it asks for itself: with its submodules, for example (Nix 2.27). */
export async function wholeWishes(
  flakeText: string,
): Promise<{ readonly wishes: ReadonlyMap<string, InputWish>; readonly self: InputWish } | null> {
  const found = await evaluateData(
    flakeText,
    '{ self = flake.inputs.self or { }; wishes = builtins.removeAttrs (builtins.mapAttrs (name: optional: { }) (builtins.functionArgs flake.outputs) // (flake.inputs or { })) [ "self" ]; }',
  );
  if (typeof found !== 'object' || found === null) return null;
  const { wishes, self } = found as { readonly wishes: Record<string, InputWish>; readonly self: InputWish };
  return { wishes: new Map(Object.entries(wishes)), self };
}

/** Paths of nested inputs whose source in `flake.nix` has no fixed revision; none when it cannot be read as data. */
export async function nestedSources(flakeText: string): Promise<readonly (readonly string[])[]> {
  const paths = await evaluateData(
    flakeText,
    `let
      isOpen = input: (input ? url || input ? type) && !(input ? rev) && builtins.match ".*[0-9a-f]{40}.*" (input.url or "") == null;
      below = path: inputs: builtins.concatLists (builtins.attrValues (builtins.mapAttrs (name: input:
        (if path != [ ] && isOpen input then [ (path ++ [ name ]) ] else [ ]) ++ below (path ++ [ name ]) (input.inputs or { })
      ) inputs));
    in below [ ] (flake.inputs or { })`,
  );
  return Array.isArray(paths) ? (paths as string[][]) : [];
}

/** What a lock depends on in a `flake.nix`, and what Nix would be told by it, as one text; `null` when it cannot be read as data. */
export async function flakeShape(flakeText: string): Promise<string | null> {
  const shape = await evaluateData(
    flakeText,
    '{ inputs = flake.inputs or { }; taken = builtins.attrNames (builtins.functionArgs flake.outputs); settings = flake.nixConfig or { }; }',
  );
  return shape === null ? null : JSON.stringify(shape);
}

/** One line for people, such as `extra-substituters = https://cache.example.org`; values are cut, and tokens left out. */
export const settingLine = ([name, value]: FlakeSetting): string =>
  `${oneLine(name, 80)} = ${isSecretSetting(name) ? '…' : oneLine(redactUrl(value), 200)}`;

/** As Nix does it: lists are joined by spaces. */
const settingText = (value: unknown): string =>
  Array.isArray(value) ? value.map(settingText).join(' ') : typeof value === 'string' ? value : JSON.stringify(value);

/** The author of a `flake.nix` can put anything into it. Nix itself begins with up to 384 MiB. */
const TIME_LIMIT_MS = 20_000;
const MOST_MEMORY = 1024 ** 3;
const MOST_WRITTEN = 1024 ** 3;
const MOST_OUTPUT = 16 * 1024 ** 2;

/** Answers that are kept: those about inputs of one run, as long as they are small. */
const KEPT = 32;
const KEPT_CHARACTERS = 64 * 1024;
const answers = new Map<string, Promise<Answer>>();

/** Text of what came out; `null` when it cannot be read as data. */
type Answer = string | null;

/** The same text says the same: nothing else is looked at. */
async function evaluateData(flakeText: string, expression: string): Promise<unknown> {
  const input = `let flake = (${flakeText}\n); in ${expression}`;
  const key = createHash('sha256').update(input).digest('base64');
  const asked = answers.get(key) ?? evaluateText(input);
  answers.set(key, asked);
  try {
    const answer = await asked;
    if (answer === null || answer.length > KEPT_CHARACTERS) answers.delete(key);
    return answer === null ? null : JSON.parse(answer);
  } catch (error) {
    answers.delete(key);
    throw error;
  } finally {
    for (const old of [...answers.keys()].slice(0, -KEPT)) answers.delete(old);
  }
}

async function evaluateText(input: string): Promise<Answer> {
  const finished = await runNix('nix-instantiate', evaluateRestricted(), {
    input,
    timeoutMs: TIME_LIMIT_MS,
    maxOutput: MOST_OUTPUT,
    limits: { memoryBytes: MOST_MEMORY, writtenBytes: MOST_WRITTEN },
  });
  return finished.exitCode === 0 ? finished.stdout : null;
}
