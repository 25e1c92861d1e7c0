/**
 * `node sdk-download.mjs FOLDER`: lets Temporal's SDK download the Temporal CLI into FOLDER. The SDK then starts the CLI's
 * server; `--help` makes that end at once, so that no server is left behind when this program is killed. The program
 * therefore always ends with an error; the file in FOLDER tells whether the download succeeded.
 */
import process from 'node:process';
import { TestWorkflowEnvironment } from '@temporalio/testing';

await TestWorkflowEnvironment.createLocal({
  server: { executable: { type: 'cached-download', downloadDir: process.argv[2] }, extraArgs: ['--help'] },
});
