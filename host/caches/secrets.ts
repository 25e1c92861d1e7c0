import { PrivateFileFault, readPrivateFile, type PrivateContent } from '../secrets/private-file.js';
import { readTokenFile } from '../secrets/token-file.js';
import { CacheFault } from './fault.js';

const asFault =
  (what: string, file: string) =>
  (error: unknown): never => {
    throw error instanceof PrivateFileFault ? new CacheFault(`${what} ${file} ${error.message}`, false) : error;
  };

/** Text of a file of secrets; `what` names it, as in `the netrc file`. @throws CacheFault when it cannot be used */
export const secretOf = (what: string, file: string, content: PrivateContent): Promise<string> =>
  readPrivateFile(file, content).catch(asFault(what, file));

/** @throws CacheFault when it cannot be used */
export const tokenOf = (file: string): Promise<string> => readTokenFile(file).catch(asFault('the token file', file));
