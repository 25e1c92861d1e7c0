import { renderReport, reportJson } from '../../model/report/render.js';
import { openExistingSession, uiLink, type Session } from '../server/connection.js';
import type { CommandContext } from '../context.js';
import { takeSnapshot } from '../runs/snapshot.js';
import { paintFor, result, resultJson, wantsColour } from '../terminal/output.js';
import { frame } from '../progress/frame.js';
import { runEnd } from '../runs/run-end.js';
import { runState } from '../runs/run-state.js';
import { watcherLine } from '../schedules/table.js';
import { listWatchers } from '../schedules/watchers.js';
import { findRun, noRuns, starterOf } from '../runs/runs.js';

/** `lockkeeper status RUN`: where a run stands now, or a watcher. */
export async function status(context: CommandContext, name: string): Promise<number> {
  const session = await openExistingSession(context, 'status');
  if (session === null) throw noRuns();
  try {
    const watcher = (await listWatchers(session)).find(({ workflowId }) => workflowId === name);
    if (watcher !== undefined) {
      if (context.json) resultJson(watcher);
      else result(watcherLine(watcher, paintFor(process.stdout)));
      return 0;
    }
    const run = await findRun(session, name);
    const { view, status: state } = await takeSnapshot(session, run, null);
    if (state !== 'RUNNING') {
      const [{ report, error }, refused] = await Promise.all([
        runEnd(session, run, context.state),
        isRefused(session, run),
      ]);
      const startedBy = refused ? await starterOf(session, run) : null;
      if (context.json)
        resultJson({
          ...{ run, status: state, error, report: report === null ? null : reportJson(report) },
          ...(refused ? { refused, startedBy } : {}),
        });
      else if (report === null) {
        const who = startedBy === null ? '' : `. It was started under the name ${JSON.stringify(startedBy)}`;
        result(`${run}: ${refused ? 'refused' : state.toLowerCase()}${error === null ? '' : `: ${error}`}${who}`);
      } else result(renderReport(report, 'text', { color: wantsColour(process.stdout) }));
      return 0;
    }
    if (context.json) resultJson({ status: state, uiUrl: await uiLink(session, run), ...view });
    else {
      const style = paintFor(process.stdout);
      const size = { columns: process.stdout.columns || 200, rows: 100_000 };
      const link = await uiLink(session, run);
      result(
        [
          ...frame(view, size, { paint: style, tick: 0, now: Date.now() }),
          ...(view.intent === null ? [] : ['', `  ${view.intent}`]),
          ...(link === null ? [] : [style.dim(`  Temporal UI: ${link}`)]),
        ].join('\n'),
      );
    }
    return 0;
  } finally {
    await session.close();
  }
}

/** Whether a run was started without proof. */
const isRefused = async (session: Session, run: string): Promise<boolean> =>
  runState(await session.client.workflow.getHandle(run).describe()) === 'refused';
