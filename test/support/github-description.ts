import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { ForgeServer } from './forge-server.js';

interface Field {
  readonly types: readonly string[];
  readonly enum?: readonly unknown[];
}

interface Operation {
  /** Status codes of success. */
  readonly ok: readonly number[];
  readonly query: Readonly<Record<string, Field>>;
  readonly body?: { readonly required: readonly string[]; readonly fields: Readonly<Record<string, Field>> };
  /** Those fields of an answer that matter here, `head.repo.id` for one within others; of a list those of its entries. */
  readonly answer: { readonly list: boolean; readonly fields: Readonly<Record<string, Field | readonly string[]>> };
}

/** Taken from GitHub's own OpenAPI description, as the npm package that `source` names has it. */
const { operations } = JSON.parse(
  readFileSync(new URL('../../../test/fixtures/github-openapi.json', import.meta.url), 'utf8'),
) as { readonly operations: Readonly<Record<string, Operation>> };

/** Holds all that a small GitHub was asked, and what it answered, to GitHub's description of its API. */
export function assertAsDescribed(talk: ForgeServer['talk']): void {
  assert.ok(talk.length > 0);
  for (const { asked, answer } of talk) {
    if (asked.path.endsWith('/graphql')) {
      assertMutation(asked.body);
      continue;
    }
    const path = asked.path.replace(/^\/api\/v3/, '').replace(/^\/repositories\/\d+/, '/repos/x/y');
    const [name, operation] = Object.entries(operations).find(([each]) => matches(each, asked.method, path)) ?? [];
    assert.ok(operation !== undefined && name !== undefined, `GitHub has no ${asked.method} ${path}`);
    for (const [key, value] of asked.query) {
      const field = operation.query[key];
      const given = field?.types.includes('integer') === true ? Number(value) : value;
      assertField(field, given, `${name}?${key}`);
    }
    const { required = [], fields = {} } = operation.body ?? {};
    for (const [key, value] of Object.entries(asked.body)) assertField(fields[key], value, `${name}: ${key}`);
    for (const key of required) assert.ok(Object.hasOwn(asked.body, key), `${name} needs ${key}`);
    if (answer.status >= 300) continue;
    assert.ok(operation.ok.includes(answer.status), `${name} does not answer ${answer.status}`);
    assert.equal(Array.isArray(answer.json), operation.answer.list, `${name} gives a list: ${operation.answer.list}`);
    for (const entry of [answer.json].flat()) assertEntry(operation.answer.fields, entry, name);
  }
}

function matches(name: string, method: string, path: string): boolean {
  const [verb = '', template = ''] = name.split(' ');
  const parts = template.split('/');
  const given = path.split('/');
  const isLike = (part: string, index: number): boolean => part.startsWith('{') || part === given[index];
  // The name of a branch or a ref may have several.
  const isOpen = /\/\{(?:ref|branch)\}$/.test(template) && given.length > parts.length;
  return verb === method && (isOpen || parts.length === given.length) && parts.every(isLike);
}

/** Taken from GitHub's own schema, as the npm package that `source` names has it. */
const { mutations, enums } = JSON.parse(
  readFileSync(new URL('../../../test/fixtures/github-graphql.json', import.meta.url), 'utf8'),
) as {
  readonly mutations: Readonly<
    Record<
      string,
      { readonly type: string; readonly input: Readonly<Record<string, string>>; readonly payload: readonly string[] }
    >
  >;
  readonly enums: Readonly<Record<string, readonly string[]>>;
};
const QUERY = /^mutation \w+\(\$input: (\w+)!\) \{\s+(\w+)\(input: \$input\) \{ (\w+) \}\s+\}$/;

function assertMutation({ query, variables }: Readonly<Record<string, unknown>>): void {
  const [, type, name = '', field = ''] = QUERY.exec(String(query)) ?? [];
  const mutation = mutations[name];
  assert.ok(mutation !== undefined, `GitHub has no mutation such as ${String(query)}`);
  assert.equal(type, mutation.type);
  assert.ok(mutation.payload.includes(field), `${name} gives no ${field}`);
  const { input } = variables as { readonly input: Readonly<Record<string, unknown>> };
  for (const [key, wanted] of Object.entries(mutation.input))
    if (wanted.endsWith('!')) assert.ok(Object.hasOwn(input, key), `${name} needs ${key}`);
  for (const [key, value] of Object.entries(input)) {
    const wanted = mutation.input[key]?.replace('!', '') ?? '';
    assert.ok(wanted !== '', `${name} has no ${key}`);
    assert.equal(typeof value, 'string', `${name}: ${key}`);
    if (wanted === 'GitObjectID') assert.match(String(value), /^[0-9a-f]{40}$/);
    assert.ok(enums[wanted]?.includes(String(value)) ?? true, `${name}: ${key} is ${String(value)}`);
  }
}

function assertEntry(fields: Operation['answer']['fields'], value: unknown, name: string, above = ''): void {
  for (const [key, each] of Object.entries(value as Readonly<Record<string, unknown>>)) {
    const at = `${above}${key}`;
    const isAbove = Object.keys(fields).some((field) => field.startsWith(`${at}.`));
    if (isAbove && each !== null) for (const below of [each].flat()) assertEntry(fields, below, name, `${at}.`);
    else if (!isAbove) {
      const field = fields[at];
      assertField(field === undefined || 'types' in field ? field : { types: field }, each, `answer of ${name}: ${at}`);
    }
  }
}

function assertField(field: Field | undefined, value: unknown, name: string): void {
  assert.ok(field !== undefined, `${name} is not described`);
  const type =
    value === null ? 'null' : Array.isArray(value) ? 'array' : Number.isInteger(value) ? 'integer' : typeof value;
  assert.ok(
    field.types.length === 0 || field.types.includes(type),
    `${name} is ${type}, not ${field.types.join(' or ')}`,
  );
  if (field.enum !== undefined && value !== null)
    assert.ok(field.enum.includes(value), `${name} is ${JSON.stringify(value)}`);
}
