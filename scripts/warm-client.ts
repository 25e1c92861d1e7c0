import { writeFileSync } from 'node:fs';
import { loadClient } from '../client/program/bundle.js';

/** `warm-client FILE FOLDER`: updates a folder that is no repository, and keeps the code that this compiled in a file. */
const [, , file = '', folder = ''] = process.argv;
const client = loadClient();
process.once('exit', () => {
  writeFileSync(file, client.compiled());
});
await client.main(['update', folder]);
