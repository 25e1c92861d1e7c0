import type { Signing } from '../../model/git/signing.js';
import { stripControl } from '../../model/text/text.js';
import type { CommandContext } from '../context.js';
import { checkCachesOf } from '../doctor/caches.js';
import type { Finding } from '../doctor/finding.js';
import { checkFlake } from '../doctor/flake.js';
import { checkForge, type NamedForge } from '../doctor/forge.js';
import { showKept } from '../doctor/kept.js';
import { showLocks } from '../doctor/locks.js';
import { checkDisk, checkNode, checkStateDirectory } from '../doctor/machine.js';
import { checkServer } from '../doctor/server.js';
import { checkSigning } from '../doctor/signing.js';
import { checkAgentLimits, checkAgentSandbox, checkGit, checkNix } from '../doctor/tools.js';
import { paintFor, result, resultJson } from '../terminal/output.js';
import { pad } from '../progress/width.js';

/** `lockkeeper doctor`: is all there that a run needs? Exit status 1 when something must be fixed first. */
export async function doctor(
  context: CommandContext,
  flake: string | null,
  asked: { readonly signing: Signing | null; readonly forge: NamedForge | null; readonly config?: string },
): Promise<number> {
  const { state } = context;
  const found = await Promise.all<readonly Finding[] | Finding>([
    Promise.resolve(checkNode()),
    checkNix(),
    checkGit(),
    checkAgentSandbox(),
    checkAgentLimits(),
    checkServer(context),
    checkDisk('disk of /nix/store', '/nix/store', 20, 1),
    checkDisk('disk of state directory', state.root, 2, 0.2),
    checkStateDirectory(state),
    showKept(state),
    showLocks(state),
    checkFlake(flake),
    checkForge(asked.forge, flake),
    checkSigning(asked.signing),
    checkCachesOf(asked),
  ]);
  const findings = found.flat();
  const failed = findings.some(({ level }) => level === 'fail');
  if (context.json) resultJson({ ok: !failed, checks: findings.map(asJson) });
  else result(lines(findings).join('\n'));
  return failed ? 1 : 0;
}

/** The field `mend` has its name from the first version, for scripts that read it. */
const asJson = ({ wayOut, ...finding }: Finding) => ({ ...finding, mend: wayOut });

function lines(findings: readonly Finding[]): string[] {
  const style = paintFor(process.stdout);
  const marks = { ok: style.green('✔ ok  '), warn: style.yellow('! warn'), fail: style.red('✘ fail') };
  const width = Math.max(...findings.map(({ name }) => name.length));
  return findings.flatMap(({ name, level, found, wayOut }) => [
    `${marks[level]}  ${pad(name, width)}  ${stripControl(found)}`,
    ...(wayOut === null ? [] : [`${' '.repeat(10 + width)}${style.cyan(`→ ${wayOut}`)}`]),
  ]);
}
