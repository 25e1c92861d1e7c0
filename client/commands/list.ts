import { formatSeconds } from '../../model/text.js';
import { oneLine } from '../../model/one-line.js';
import { openExistingSession } from '../connection.js';
import type { CommandContext } from '../context.js';
import { message, paintFor, result, resultJson } from '../output.js';
import { pad } from '../progress/width.js';
import { runState } from '../run-state.js';
import { listRuns } from '../runs.js';
import { typed } from '../typed.js';

interface ListedRun {
  readonly run: string;
  readonly repository: string | null;
  /** Outcome of a closed run where it is known, else what the server says. */
  readonly state: string;
  readonly startedAt: string;
  readonly closedAt: string | null;
  readonly seconds: number;
}

/** `lockkeeper list`: runs, newest first. */
export async function list(context: CommandContext, options: { readonly limit: number }): Promise<number> {
  const session = await openExistingSession(context, 'list');
  if (session === null) {
    if (context.json) resultJson([]);
    else message(`There are no runs yet. Start one with "${typed('update')}".`);
    return 0;
  }
  try {
    const runs = (await listRuns(session, options.limit)).map((run): ListedRun => {
      const end = run.closeTime ?? new Date();
      return {
        run: run.workflowId,
        repository: typeof run.memo?.repository === 'string' ? run.memo.repository : null,
        state: runState(run),
        startedAt: run.startTime.toISOString(),
        closedAt: run.closeTime?.toISOString() ?? null,
        seconds: Math.round((end.getTime() - run.startTime.getTime()) / 1000),
      };
    });
    if (context.json) resultJson(runs);
    else if (runs.length === 0) message(`There are no runs yet. Start one with "${typed('update')}".`);
    else result(table(runs));
    return 0;
  } finally {
    await session.close();
  }
}

function table(runs: readonly ListedRun[]): string {
  const style = paintFor(process.stdout);
  const coloured = (state: string, text: string): string => {
    if (state.startsWith('waiting')) return style.yellow(text);
    if (state === 'running') return style.cyan(text);
    if (['landed', 'verified'].includes(state)) return style.green(text);
    return ['unchanged', 'closed'].includes(state) ? style.dim(text) : style.red(text);
  };
  const runWidth = Math.max(...runs.map(({ run }) => run.length));
  const stateWidth = Math.max(...runs.map(({ state }) => state.length));
  return runs
    .map(({ run, repository, state, startedAt, seconds }) =>
      [
        pad(oneLine(run, 200), runWidth),
        coloured(state, pad(oneLine(state, 60), stateWidth)),
        startedAt.slice(0, 16).replace('T', ' '),
        formatSeconds(seconds).padStart(11),
        style.dim(oneLine(repository ?? '', 200)),
      ].join('  '),
    )
    .join('\n');
}
