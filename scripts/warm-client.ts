import { writeFileSync } from 'node:fs';
import { loadClient } from '../client/program/bundle.js';

/** `warm-client FILE FOLDER`: updates a folder that is not a repository, and stores the compiled code in a file. */
const [, , file = '', folder = ''] = process.argv;
const client = loadClient();
process.once('exit', () => {
  writeFileSync(file, client.compiled());
});
await client.main(['update', folder]);
