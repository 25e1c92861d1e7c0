import type { ConfigEntry } from './environment.js';

/** The addresses of one remote. Fetching works where pushing does, so a push address of its own serves for both. */
export interface RemoteAddresses {
  readonly url: readonly string[];
  readonly pushurl: readonly string[];
}

/** What `git config --null --get-regexp` has to be asked for. */
export const REMOTE_ADDRESSES = '^remote\\..+\\.(url|pushurl)$';

/**
 * The remotes of a configuration, as it has them before insteadOf. People set other things for every remote of a name, which
 * make none.
 * @param listed what Git printed, asked for `REMOTE_ADDRESSES`
 */
export function readRemotes(listed: string): ReadonlyMap<string, RemoteAddresses> {
  const remotes = new Map<string, RemoteAddresses>();
  for (const [setting, value] of readSettings(listed)) {
    const [, name, key] = /^remote\.(.+)\.(url|pushurl)$/s.exec(setting) ?? [];
    if (name === undefined || (key !== 'url' && key !== 'pushurl')) continue;
    const known = remotes.get(name) ?? { url: [], pushurl: [] };
    // An empty address forgets those before it: git-config(1).
    remotes.set(name, { ...known, [key]: value === '' ? [] : [...known[key], value] });
  }
  return new Map([...remotes].filter(([, { url, pushurl }]) => url.length + pushurl.length > 0));
}

/** Where Git pushes to, all of it. The first is where Lockkeeper does. */
export const pushAddresses = ({ url, pushurl }: RemoteAddresses): readonly string[] =>
  pushurl.length === 0 ? url : pushurl;

/** Keys and values that `git config --null` printed. A key without `=` has no value at all, which for Git is `true`. */
export const readSettings = (listed: string): readonly ConfigEntry[] =>
  listed
    .split('\0')
    .filter((entry) => entry !== '')
    .map((entry) => {
      const end = entry.indexOf('\n');
      return end === -1 ? [entry, 'true'] : [entry.slice(0, end), entry.slice(end + 1)];
    });

/**
 * What `git config --null --get-regexp` has to be asked for to get the settings that say how to reach a remote and what to tell
 * it. All others of the owner's checkout stay there.
 */
export const TRANSPORT_SETTINGS =
  '^(core\\.(sshcommand|gitproxy)|push\\.pushoption|(url|http|credential|ssh|protocol)\\..*)$';

/**
 * The settings of one list that the other does not have. Git collects values of some keys, such as `http.extraHeader`, and
 * would send those twice that it reads by itself.
 */
export function settingsWithout(entries: readonly ConfigEntry[], others: readonly ConfigEntry[]): ConfigEntry[] {
  const rest = others.map((entry) => entry.join('\0'));
  return entries.filter((entry) => {
    const at = rest.indexOf(entry.join('\0'));
    if (at !== -1) rest.splice(at, 1);
    return at === -1;
  });
}
