import { unprovenIn } from '../../model/run/proof.js';
import { plural } from '../../model/report/words.js';
import type { Session } from '../server/connection.js';
import type { CommandContext } from '../context.js';
import { askedAgain } from '../schedules/asked-again.js';
import { listOwned } from '../schedules/owned.js';
import { suggest } from '../terminal/suggest.js';
import { ok, warn, type Finding } from './finding.js';

/** Who may give work to the workers of the server, and schedules without proof of the key, which start nothing. */
export async function checkAsking(
  session: Session,
  { state, runKeyFile }: CommandContext,
): Promise<readonly Finding[]> {
  const name = 'who may ask';
  if (runKeyFile === null && !session.embedded)
    return [
      ok(
        name,
        `everybody with access to the namespace ${session.namespace}, because no run key is set (--run-key-file); workers that have one refuse this command`,
      ),
    ];
  const who = ok(name, `everybody who can read ${runKeyFile ?? state.runKey}`);
  const refused: string[] = [];
  for (const { instance, scheduleId } of await listOwned(session)) {
    const { action } = await askedAgain(() => session.client.schedule.getHandle(scheduleId).describe());
    if ((action.args ?? []).some((each) => unprovenIn(each) !== null)) refused.push(instance);
  }
  if (refused.length === 0) return [who];
  const found = `${plural(refused.length, 'schedule')} without proof of this key, so the workers start none of their runs: ${refused.slice(0, 8).join(', ')}`;
  return [who, warn('schedules', found, `look at the configuration, then: ${suggest('apply')}`)];
}
