import { BadInput, keepsSecrets } from '../checks/names.js';
import { readEach } from './bad-inputs.js';
import { flag, isTable, listOf, oneOf, secretFile, text, whole, type JsonSchema, type Kind } from './kinds.js';
import { nearest } from '../text/nearest.js';
import { inside } from './wording.js';
import { redactUrl } from '../text/text.js';
import { cacheKindName, cacheKinds } from '../caches/kinds/index.js';
import type { Cache, CacheField, CacheKind } from '../caches/types.js';
import { isWebUrl, webUrlFault } from '../caches/web-url.js';

const WORDS = 'a table such as { to = "file:///srv/cache", secretKeyFile = "/etc/cache.key" }';

const publicKey = text('a public key', (value, field) => {
  // A name and 32 bytes.
  if (/^[^\s:,]+:[A-Za-z0-9+/]{43}=$/.test(value)) return value;
  throw new BadInput(
    field,
    value,
    'is not a public key: write NAME:BASE64, as "nix key convert-secret-to-public" prints it.',
  );
});

const webUrl = text('an address', (value, field) => {
  if (isWebUrl(value) && !value.includes('?')) return value;
  throw new BadInput(
    field,
    redactUrl(value),
    isWebUrl(value) ? 'has parameters, which mean nothing here.' : webUrlFault(value),
  );
});

const FIELDS: { readonly [K in CacheField]-?: Kind<NonNullable<Cache[K]>> } = {
  secretKeyFile: secretFile,
  netrcFile: secretFile,
  credentialsFile: secretFile,
  sshKeyFile: secretFile,
  tokenFile: secretFile,
  compression: oneOf(['none', 'xz', 'bzip2', 'gzip', 'zstd', 'br']),
  trustedKeys: listOf(publicKey, 'public keys'),
  readUrl: webUrl,
  upstreams: listOf(webUrl, 'addresses'),
};

/** Parameters that are given in another way, so that they are checked and nothing is said twice. */
const BY_FIELD: Readonly<Record<string, CacheField>> = {
  'secret-key': 'secretKeyFile',
  'secret-keys': 'secretKeyFile',
  'ssh-key': 'sshKeyFile',
  compression: 'compression',
};

const PRIORITY = 50;
const priority = whole(0, 1000);

/**
 * Reads one cache. A name that Nix does not know is refused, for Nix would only warn of it, and upload unsigned.
 * @throws BadInput, or several of them (see `badInputs`)
 */
export function readCache(value: unknown, field: string): Cache {
  if (!isTable(value)) throw new BadInput(field, JSON.stringify(value ?? null), `is not a table: give ${WORDS}.`);
  const { to } = value;
  if (typeof to !== 'string')
    throw new BadInput(
      inside(field, '.to'),
      JSON.stringify(to ?? null),
      'is not an address of a cache, as text in quotes.',
    );
  const kind = kindOf(to, inside(field, '.to'));
  const known = ['to', 'required', 'priority', ...kind.fields];
  const entries = readEach(Object.entries(value), ([name, each]) => {
    const place = field.startsWith('--') ? `${field} ${name}` : `${field}.${name}`;
    if (!known.includes(name)) throw unknownField(name, each, { place, known, to });
    if (name === 'to') return [name, checkAddress(to, kind, place)] as const;
    if (name === 'required') return [name, flag.read(each, place)] as const;
    if (name === 'priority') return [name, priority.read(each, place)] as const;
    return [name, FIELDS[name as CacheField].read(each, place)] as const;
  });
  for (const name of kind.needs)
    if (!Object.hasOwn(value, name))
      throw new BadInput(field, redactUrl(to), `lacks ${name}, which a cache at ${to.replace(/:.*/s, ':')} needs.`);
  if (Object.hasOwn(value, 'netrcFile') && !keepsSecrets(to))
    throw new BadInput(
      inside(field, '.to'),
      redactUrl(to),
      'would carry the password over the network unencrypted: give an https address, or no netrcFile.',
    );
  return { required: true, priority: PRIORITY, ...(Object.fromEntries(entries) as Pick<Cache, 'to'>) };
}

function unknownField(
  name: string,
  value: unknown,
  { place, known, to }: { readonly place: string; readonly known: readonly string[]; readonly to: string },
): BadInput {
  const isOfOthers = Object.hasOwn(FIELDS, name);
  const near = isOfOthers ? null : nearest(name, known);
  const wayOut =
    near === null ? `a cache at ${to.replace(/:.*/s, ':')} takes ${known.join(', ')}` : `did you mean "${near}"?`;
  return new BadInput(
    place,
    typeof value === 'string' ? value : JSON.stringify(value ?? null),
    `${isOfOthers ? 'is of other caches' : 'is unknown'}: ${wayOut}${near === null ? '.' : ''}`,
  );
}

function kindOf(to: string, field: string): CacheKind {
  const name = cacheKindName(to);
  if (name !== null) return cacheKinds[name];
  const examples = Object.values(cacheKinds).map(({ example }) => example);
  throw new BadInput(field, redactUrl(to), `is not an address of a cache: give one such as ${examples.join(', ')}.`);
}

function checkAddress(to: string, kind: CacheKind, field: string): string {
  if (to.length > 1000 || !/^[!-~]+$/.test(to))
    throw new BadInput(field, redactUrl(to), 'is refused: write it in at most 1000 plain characters.');
  const [address = '', query] = to.split(/\?(.*)/s);
  const fault = kind.fault(address);
  if (fault !== null) throw new BadInput(field, redactUrl(to), fault);
  readEach(query === undefined ? [] : [...new URLSearchParams(query).keys()], (name) => {
    const own = BY_FIELD[name];
    if (own !== undefined && kind.fields.includes(own))
      throw new BadInput(field, name, `is not a parameter here: give ${own} beside the address.`);
    if (kind.parameters.includes(name)) return;
    const near = nearest(name, kind.parameters);
    throw new BadInput(
      field,
      name,
      near === null
        ? `is not a parameter that Nix knows of this cache: there are ${kind.parameters.join(', ')}.`
        : `is not a parameter that Nix knows of this cache: did you mean "${near}"?`,
    );
  });
  return to;
}

const FIELD_SCHEMAS: Readonly<Record<string, JsonSchema>> = Object.fromEntries(
  Object.entries(FIELDS).map(([name, { schema }]) => [name, schema]),
);

/** A cache as a table of a file, and as `ADDRESS NAME=VALUE …` on a command line. */
export const cacheTable: Kind<Cache> = {
  words: WORDS,
  schema: {
    type: 'object',
    properties: { to: { type: 'string' }, required: flag.schema, priority: priority.schema, ...FIELD_SCHEMAS },
    required: ['to'],
    additionalProperties: false,
  },
  read: readCache,
  typed: ([word = ''], field) => {
    const [to = '', ...fields] = word.split(/ +/);
    const entries = fields.map((each) => {
      const [, name = '', value = ''] = /^(\w+)=(.*)$/s.exec(each) ?? [];
      if (name === '') throw new BadInput(field, each, 'is not NAME=VALUE, such as secretKeyFile=/etc/cache.key.');
      return [name, typedField(name, value)] as const;
    });
    return { to, ...Object.fromEntries(entries) };
  },
};

function typedField(name: string, value: string): unknown {
  if (name === 'required' && /^(?:true|false)$/.test(value)) return value === 'true';
  if (name === 'priority' && /^\d{1,9}$/.test(value)) return Number(value);
  return name === 'trustedKeys' || name === 'upstreams' ? value.split(',') : value;
}
