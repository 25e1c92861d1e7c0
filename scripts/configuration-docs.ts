import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { configurationSchema } from '../model/config/json-schema.js';
import { optionTables } from '../model/config/markdown.js';

/** Writes what the documentation takes from the schema: run after a change of model/config/options.ts. */
const DOCS = new URL('../../docs/', import.meta.url);
const page = fileURLToPath(new URL('configuration.md', DOCS));
const MARKS = /(<!-- options -->\n)[^]*(<!-- end of options -->)/;

const text = await readFile(page, 'utf8');
await writeFile(
  page,
  text.replace(MARKS, (_, begin: string, end: string) => `${begin}\n${optionTables()}\n${end}`),
);
await writeFile(
  fileURLToPath(new URL('lockkeeper.schema.json', DOCS)),
  `${JSON.stringify(configurationSchema(), null, 2)}\n`,
);
