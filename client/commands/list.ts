import type { WorkflowExecutionInfo } from '@temporalio/client';
import { asShown } from '../../model/run/proof.js';
import { openExistingSession } from '../server/connection.js';
import type { CommandContext } from '../context.js';
import { message, paintFor, result, resultJson } from '../terminal/output.js';
import { runState } from '../runs/run-state.js';
import { runTable, type ListedRun } from './run-table.js';
import { listRuns } from '../runs/runs.js';
import { watcherLine } from '../schedules/table.js';
import { listWatchers } from '../schedules/watchers.js';
import { suggest } from '../terminal/suggest.js';
import { unattendedRuns } from '../runs/unattended.js';

export async function list(context: CommandContext, options: { readonly limit: number }): Promise<number> {
  const session = await openExistingSession(context, 'list');
  if (session === null) {
    if (context.json) resultJson([]);
    else message(`There are no runs yet. Start one with "${suggest('update')}".`);
    return 0;
  }
  try {
    const found = await listRuns(session, options.limit);
    const runs = found.map((run): ListedRun => {
      const end = run.closeTime ?? new Date();
      return {
        run: run.workflowId,
        repository: repositoryOf(run),
        state: runState(run),
        startedAt: run.startTime.toISOString(),
        closedAt: run.closeTime?.toISOString() ?? null,
        seconds: Math.round((end.getTime() - run.startTime.getTime()) / 1000),
      };
    });
    const watchers = (await listWatchers(session)).map((each) => watcherLine(each, paintFor(process.stdout)));
    if (context.json) resultJson(runs);
    else if (runs.length + watchers.length === 0)
      message(`There are no runs yet. Start one with "${suggest('update')}".`);
    else {
      if (runs.length > 0) result(runTable(runs, terminalColumns(), paintFor(process.stdout)));
      for (const line of watchers) result(line);
    }
    for (const { found: what, wayOut } of await unattendedRuns(session, found)) message(`note: ${what}; ${wayOut}.`);
    return 0;
  } finally {
    await session.close();
  }
}

/** Only shown, so it needs no proof. */
function repositoryOf({ memo }: WorkflowExecutionInfo): string | null {
  const repository = asShown(memo?.repository);
  return typeof repository === 'string' ? repository : null;
}

/** `null` where no terminal is: what reads it there wants all of it. */
const terminalColumns = (): number | null => (process.stdout.isTTY ? process.stdout.columns || 80 : null);
