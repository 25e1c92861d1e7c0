import { join } from 'node:path';
import { oneLine } from '../../model/text/one-line.js';
import { plural } from '../../model/report/words.js';
import type { CommandContext } from '../context.js';
import { message, result, resultJson } from '../terminal/output.js';

/** `lockkeeper site DIRECTORY`: how everything stands, as pages. */
export async function site(context: CommandContext, directory: string): Promise<number> {
  const { makeSite } = await import('../../host/site.js');
  const made = await makeSite(context.state, directory);
  if (context.json) resultJson(made);
  else {
    for (const { file, reason } of made.unreadable) message(`not shown: ${oneLine(file)}: ${oneLine(reason)}`);
    const changed = `${made.written} written, ${made.removed} removed`;
    result(`${plural(made.pages, 'page')} (${changed}): ${join(directory, 'index.html')}`);
  }
  return 0;
}
