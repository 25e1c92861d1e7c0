import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { configurationSchema } from '../model/config/json-schema.js';
import { withTables } from '../model/config/markdown.js';

/** Writes what the documentation takes from the options and the kinds of targets: run after a change of model/config/options/ or model/targets/. */
const docs = (name: string): string => fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));

for (const page of ['configuration.md', 'commands.md', 'targets.md'])
  await writeFile(docs(page), withTables(await readFile(docs(page), 'utf8')));
await writeFile(docs('lockkeeper.schema.json'), `${JSON.stringify(configurationSchema(), null, 2)}\n`);
