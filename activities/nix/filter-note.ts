import { oneLine } from '../../model/text/one-line.js';
import { filteredFiles } from '../git/filtered-files.js';

/** What Nix says of bytes that are no text of the language that it reads. */
const UNREADABLE = /syntax error|parse_error|parse error|cannot be represented as a Nix string|\bTOML\b|\bGITCRYPT\b/i;
const LISTED = 3;

/**
 * What a failed evaluation has to do with files that a Git filter decrypts in checkouts, as more of its message; an empty text when
 * nothing. A file that Nix names is the cause; where it only cannot read something, the files are named for people to judge.
 * @param mirror path of the bare mirror, which has the commit
 * @param said all that Nix said
 */
export async function filterNote(mirror: string, commit: string, said: string): Promise<string> {
  // Looking never keeps a verdict from being told.
  const files = await filteredFiles(mirror, commit).catch(() => []);
  const named = files.filter(({ file }) => isNamed(said, file));
  const meant = named.length > 0 ? named : UNREADABLE.test(said) ? files : [];
  const [first] = meant;
  if (first === undefined) return '';
  const listed = meant.slice(0, LISTED).map(({ file }) => oneLine(file, 120));
  const more = meant.length > LISTED ? ` and ${meant.length - LISTED} more` : '';
  const are = meant.length === 1 ? 'is' : 'are';
  return ` (${listed.join(', ')}${more} ${are} behind the Git filter ${oneLine(first.filter, 60)}, which decrypts only in checkouts: Nix and Lockkeeper read the committed, encrypted file)`;
}

/** Whether a text names a file of the flake: paths that Nix shows begin in the store, or with the flake's address. */
function isNamed(text: string, file: string): boolean {
  for (let at = text.indexOf(`/${file}`); at !== -1; at = text.indexOf(`/${file}`, at + 1)) {
    if (!/[\w./-]/.test(text[at + file.length + 1] ?? '')) return true;
  }
  return false;
}
