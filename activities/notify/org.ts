import { constants } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { FileFault, readBounded } from '../../host/bounded-file.js';
import { orgEntry, orgRunProperty } from '../../model/notify/org.js';
import { watchEntry } from '../../model/notify/org-watch.js';
import type { NotifyInput } from '../../model/notify/types.js';
import { systemCode } from '../../host/errors.js';
import { NotifierFault } from './fault.js';
import { refuseOthersFile } from './owner-behind-links.js';
import type { Teller } from './types.js';

const { O_APPEND, O_CREAT, O_EXCL, O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants;
const OWNER_WRITE = 0o200;

/**
 * A `TODO` entry in the owner's org-mode inbox, for runs and instances that somebody has to look at: https://orgmode.org/manual/TODO-Items.html
 *
 * The file is the owner's, and may be open in an editor, a symbolic link, or synchronised: it is never replaced. The entry
 * goes to its end in a single appending write, so it is there as a whole, or not at all, and another writer's text stays. A
 * repeat finds the run's id, or the instance's last success, in it, and writes nothing.
 */
export const org: Teller = {
  async tell(input, signal) {
    const file = input.options.inboxOrg;
    if (file === null) return;
    try {
      const before = await contentOf(file);
      const lines = new Set(before?.split(/\r?\n/).map((line) => line.trim()));
      const entry = entryOf(input, (property) => lines.has(property));
      if (entry === null) return;
      signal.throwIfAborted();
      const gap = before === null || before === '' || before.endsWith('\n') ? '' : '\n';
      await append(file, before === null, gap + entry);
    } catch (error) {
      signal.throwIfAborted();
      throw new NotifierFault(`org inbox ${file} ${clauseOf(error, file)}`, { cause: error });
    }
  },
};

/** `null` when the file has it already. */
function entryOf(input: NotifyInput, has: (property: string) => boolean): string | null {
  if ('alarm' in input) return watchEntry(input, has, input.timeZone);
  return has(orgRunProperty(input.report.run)) ? null : orgEntry(input.report, input.at, input.timeZone);
}

/** What a person can still open. */
const MOST_BYTES = 64 * 1024 ** 2;

/** Text of the file; `null` when there is none. Throws when it is nothing that an entry should be appended to. */
async function contentOf(file: string): Promise<string | null> {
  const found = await stat(file).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  });
  if (found === null) return null;
  if (!found.isFile()) throw new NotifierFault('is not a regular file: name the org file that entries go to');
  // A worker that runs as root could write to it, but its owner said that nobody shall.
  if ((found.mode & OWNER_WRITE) === 0)
    throw new NotifierFault(`is read-only: run chmod u+w ${file}, or name another file`);
  return readBounded(file, MOST_BYTES);
}

/** One write at the end. A file made here belongs to the owner of its folder, also when the worker runs as root. */
async function append(file: string, isNew: boolean, text: string): Promise<void> {
  const flags = O_WRONLY | O_APPEND | O_NOCTTY | O_NONBLOCK | (isNew ? O_CREAT | O_EXCL : 0);
  const handle = await open(file, flags, 0o644);
  try {
    await refuseOthersFile(handle, file, isNew);
    if (isNew) await giveToFolderOwner(handle, file);
    const data = Buffer.from(text, 'utf8');
    const { bytesWritten } = await handle.write(data);
    if (bytesWritten < data.length)
      throw new NotifierFault('took only a part of the entry: free some space on its disk');
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

async function giveToFolderOwner(handle: FileHandle, file: string): Promise<void> {
  if (process.geteuid?.() !== 0) return;
  const folder = await stat(path.dirname(file));
  await handle.chown(folder.uid, folder.gid);
}

/** What went wrong, as the end of "org inbox FILE …". */
function clauseOf(error: unknown, file: string): string {
  if (error instanceof NotifierFault) return error.message;
  if (error instanceof FileFault) return `is not written to: ${error.message}; name another file`;
  const code = systemCode(error) ?? 'unknown error';
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `cannot be made: the folder ${path.dirname(file)} does not exist; make it, or name another file`;
    case 'EEXIST':
      return 'is a symbolic link to nothing, or was made this moment: make the file that it points to';
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return 'cannot be read and written by this worker: give its user the permission, or name another file';
    case 'ENOSPC':
      return 'cannot grow: free some space on its disk';
    default:
      return `cannot be written (${code})`;
  }
}
