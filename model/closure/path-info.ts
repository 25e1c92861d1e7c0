export interface PathInfo {
  readonly path: string;
  /** Bytes. */
  readonly narSize: number;
  /** Derivation that it was made by; it may not be in the store. */
  readonly deriver: string | null;
  readonly references: readonly string[];
  /** `sha256-` and base64; missing where Nix does not say it. */
  readonly narHash?: string;
  /** `NAME:BASE64` each. */
  readonly signatures: readonly string[];
  /** Whether the path stands for its content, so that nobody has to sign it. */
  readonly isContentAddressed: boolean;
  /** Set when this store built it, and did not fetch it. */
  readonly isBuiltHere?: true;
}

/**
 * Reads what `nix path-info --json` prints: a list before Nix 2.19, an object keyed by path since, and with `--json-format 2` of
 * Nix 2.33 `{ version, storeDir, info }`, where names below the store directory stand for paths.
 * @returns what is known; paths that are not there are left out
 * @throws SyntaxError when the text is no JSON, TypeError when it is another kind of answer
 */
export function readPathInfo(text: string): readonly PathInfo[] {
  const found: PathInfo[] = [];
  const answer: unknown = JSON.parse(text);
  const storeDir = isObject(answer) && isObject(answer.info) ? answer.storeDir : '';
  const pathOf = (name: string): string =>
    typeof storeDir === 'string' && storeDir !== '' ? `${storeDir}/${name}` : name;
  for (const [name, info] of entries(answer)) {
    if (!isObject(info) || info.valid === false) continue;
    const { narSize, deriver, references, narHash, signatures, ca, ultimate } = info;
    if (typeof narSize !== 'number' || !isTexts(references)) throw new TypeError(`path-info says nothing of ${name}`);
    found.push({
      ...{ path: pathOf(name), narSize, references: references.map(pathOf) },
      deriver: typeof deriver === 'string' ? pathOf(deriver) : null,
      ...(typeof narHash === 'string' && { narHash }),
      signatures: isTexts(signatures) ? signatures : [],
      isContentAddressed: ca !== undefined && ca !== null,
      ...(ultimate === true && { isBuiltHere: true }),
    });
  }
  return found;
}

type Unknown = Readonly<Record<string, unknown>>;

function entries(answer: unknown): readonly (readonly [path: string, info: unknown])[] {
  if (Array.isArray(answer))
    return answer.map((each: unknown) => [isObject(each) && typeof each.path === 'string' ? each.path : '', each]);
  if (!isObject(answer)) throw new TypeError('path-info gave another kind of answer');
  return Object.entries(isObject(answer.info) ? answer.info : answer);
}

const isObject = (value: unknown): value is Unknown => typeof value === 'object' && value !== null;
const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');
