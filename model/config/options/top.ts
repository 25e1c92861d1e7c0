import { checkInstanceName } from '../checks.js';
import { maybe, secretFile, text } from '../kinds.js';
import { option } from './types.js';

/** What a file says of itself, beside `defaults` and `instances`. */
export const TOP_OPTIONS = {
  name: option(
    maybe(text('a name', checkInstanceName)),
    null,
    '"cluster"',
    'name of this configuration, which tells its schedules from those of others on the same server (default: name of the host)',
  ),
  runKeyFile: option(
    maybe(secretFile),
    null,
    '"/run/secrets/run-key"',
    'key that authorises commands to the workers of a server elsewhere: for `apply` and `run`, which read this file (default: `--run-key-file`, `$LOCKKEEPER_RUN_KEY_FILE`)',
  ),
};
