import { rememberPassword } from '../secrets/redact.js';
import { secretOf } from './secrets.js';

const NETRC = {
  noun: 'password',
  toMake: 'write "machine HOST login USER password PASSWORD" into it',
  most: 64 * 1024,
};

/** The header for the user that a netrc(5) file has for a host; none without one. @throws CacheFault for a bad file */
export async function netrcHeader(file: string, host: string): Promise<Readonly<Record<string, string>>> {
  const text = await secretOf('the netrc file', file, NETRC);
  let header: Record<string, string> = {};
  for (const [, name, entry = ''] of text.matchAll(
    /(?:machine\s+(\S+)|default)\b((?:\s+(?:login|password|account)\s+\S+)*)/g,
  )) {
    const login = /login\s+(\S+)/.exec(entry)?.[1] ?? '';
    const password = /password\s+(\S+)/.exec(entry)?.[1] ?? '';
    rememberPassword(login, password);
    if ((name === undefined || name === host) && header.Authorization === undefined)
      header = { Authorization: `Basic ${Buffer.from(`${login}:${password}`).toString('base64')}` };
  }
  return header;
}
