import { isDumb, message, paintFor } from '../terminal/output.js';
import { ciRenderer } from './ci.js';
import { plainRenderer } from './plain.js';
import { ttyRenderer } from './tty.js';
import type { Renderer } from './view.js';

/** The renderer that suits standard error: bars on a terminal, log groups in CI, plain lines elsewhere. */
export function chooseRenderer(): Renderer {
  const { CI } = process.env;
  if (CI !== undefined && CI !== '' && CI !== 'false') return ciRenderer(message);
  if (process.stderr.isTTY && !isDumb()) return ttyRenderer(process.stderr, paintFor(process.stderr));
  return plainRenderer(message, paintFor(process.stderr));
}
