/**
 * Why a branch name cannot be used, as a clause; `null` when it can. The rules are those of git-check-ref-format(1) with
 * `--branch`, and on top of them characters that mean something to a shell are refused, though Git takes them.
 */
export function branchNameFault(name: string): string | null {
  if (name === '') return 'it is empty';
  if (name.length > 200) return 'it is longer than 200 characters';
  for (const [pattern, fault] of FAULTS) if (pattern.test(name)) return fault;
  return null;
}

const FAULTS: readonly (readonly [RegExp, string])[] = [
  [/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, 'it holds a line break or another invisible character'],
  [/\s/u, 'it holds a space'],
  [/^-/, 'it starts with "-"'],
  [/\.\./, 'it holds ".."'],
  [/^\/|\/$|\/\//, 'it has a "/" at an end, or two in a row'],
  [/(?:^|\/)\./, 'a part of it starts with "."'],
  [/\.lock(?:\/|$)/, 'a part of it ends with ".lock"'],
  [/\.$/, 'it ends with "."'],
  [/@\{/, 'it holds "@{"'],
  [/^(?:@|HEAD)$/, 'the name means something else to Git'],
  [/^refs\//, 'it is a whole ref: leave "refs/heads/" out'],
  [/[~^:?*[\\]/, 'it holds one of ~ ^ : ? * [ \\'],
  [/["'`$;&|<>(){}!]/, 'it holds a quote or a character that means something to a shell'],
];
