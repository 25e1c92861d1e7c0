export interface PackageName {
  readonly name: string;
  /** `null` for what has none: units, configuration files, sources. */
  readonly version: string | null;
  /** Output of the derivation: `out`, `dev`, `man` … */
  readonly output: string;
}

/**
 * Outputs that nixpkgs makes. A list and not "letters at the end": `-zstd`, `-env` and `-unstable` are no outputs.
 * Source: `outputs = [` in nixpkgs, and <https://nixos.org/manual/nixpkgs/stable/#chap-multiple-output>.
 */
const OUTPUTS: ReadonlySet<string> = new Set([
  ...['bin', 'dev', 'lib', 'lib32', 'lib64', 'man', 'doc', 'info', 'devdoc', 'devman', 'debug', 'static', 'tools'],
  ...['python', 'data', 'dist', 'terminfo', 'libgcc', 'getent', 'login', 'mount', 'swap', 'su', 'modules', 'settings'],
  ...['firmware', 'include', 'locale', 'plugins', 'sandbox', 'server', 'client', 'daemon', 'examples', 'test', 'tests'],
]);

/**
 * Splits the name of a store path (without the hash) into package, version and output, by the rules of nixpkgs' names. A
 * derivation knows better: this is for paths whose derivation is not in the store.
 * @param host name of the NixOS host whose system it may be
 */
export function splitName(storeName: string, host: string | null = null): PackageName {
  const name = storeName.replace(/\.drv$/, '');
  const system = host === null ? null : systemOf(name, host);
  const { base, version } = system ?? tailVersion(name);
  if (version === null) return { name: base, version, output: 'out' };
  const [, rest = version, output = 'out'] = /^(.+)-([a-z0-9]+)$/.exec(version) ?? [];
  return OUTPUTS.has(output) ? { name: base, version: rest, output } : { name: base, version, output: 'out' };
}

interface Split {
  readonly base: string;
  readonly version: string | null;
}

function systemOf(name: string, host: string): Split | null {
  const base = `nixos-system-${host}`;
  return name.startsWith(`${base}-`) ? { base, version: name.slice(base.length + 1) } : null;
}

/** The first dash before a character that is not a letter begins the version; some versions begin with a word. */
function tailVersion(name: string): Split {
  const dated = /^(.+?)-(unstable-\d{4}-\d{2}-\d{2}.*|r\d+-[0-9a-f]{7,40})$/.exec(name);
  const plain = /^(.+?)-([^a-zA-Z].*)$/.exec(name);
  const [, base, version] = shorter(plain, dated) ?? hashVersion(name) ?? [];
  return base === undefined || version === undefined ? { base: name, version: null } : { base, version };
}

const shorter = (one: RegExpExecArray | null, other: RegExpExecArray | null): RegExpExecArray | null =>
  one !== null && other !== null ? ((one[1] ?? '').length <= (other[1] ?? '').length ? one : other) : (one ?? other);

/** A revision at the end, with a letter and a digit in it. */
const hashVersion = (name: string): RegExpExecArray | null =>
  /^(.+)-((?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{7,40})$/.exec(name);
