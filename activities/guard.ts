import { Context, asyncLocalStorage } from '@temporalio/activity';
import { checkActivityInput } from '../model/contract/input.js';
import { checkCommands } from '../model/contract/asked-commands.js';
import { finalFailure } from '../model/run/failures.js';
import { BadInput } from '../model/checks/names.js';
import { completeReport, type StoredReport } from '../model/report/earlier.js';
import { wholeAgent } from '../model/run/earlier.js';
import type { AutofixOptions } from '../model/run/options.js';
import { refusalWords, unprovenIn } from '../model/run/proof.js';
import { cleanError, dataWithoutSecrets } from '../host/secrets/redact.js';

type Activity = (...input: readonly unknown[]) => Promise<unknown>;

/**
 * Activities as a worker serves them: what comes in is checked, and what goes out (result, failure, heartbeats) holds none
 * of the secrets that this process has read. Bad input is a non-retryable `BadOptions`.
 * @param allowed commands that gates and agents may be; `null`: all
 */
export function guarded<T extends object>(activities: T, allowed: readonly string[] | null = null): T {
  const all = Object.entries(activities as Readonly<Record<string, Activity>>).map(
    ([name, activity]) => [name, (...input: readonly unknown[]) => guard(activity, input, allowed)] as const,
  );
  return Object.fromEntries(all) as T;
}

async function guard(
  activity: Activity,
  input: readonly unknown[],
  allowed: readonly string[] | null,
): Promise<unknown> {
  for (const each of input) check(each, allowed);
  try {
    return dataWithoutSecrets(
      await asyncLocalStorage.run(discreet(Context.current()), () => activity(...input.map(whole))),
    );
  } catch (error) {
    cleanError(error);
    throw error;
  }
}

/** An input with all that a workflow of an earlier version did not know of. */
function whole(input: unknown): unknown {
  if (typeof input !== 'object' || input === null) return input;
  return {
    ...input,
    ...('report' in input && { report: completeReport(input.report as StoredReport) }),
    ...('agent' in input && { agent: wholeAgent(input.agent as AutofixOptions) }),
  };
}

function check(input: unknown, allowed: readonly string[] | null): void {
  const unproven = unprovenIn(input);
  if (unproven !== null) {
    throw finalFailure('RunRefused', refusalWords('This activity', unproven));
  }
  try {
    checkActivityInput(input);
    if (allowed !== null) checkCommands(input, allowed);
  } catch (error) {
    if (!(error instanceof BadInput)) throw error;
    throw finalFailure('BadOptions', `The run's options are refused: ${error.message}`);
  }
}

/** The activity's context, with heartbeats that hold no secrets. */
const discreet = (context: Context): Context =>
  Object.create(context, {
    heartbeat: {
      value: (details?: unknown): void => {
        context.heartbeat(dataWithoutSecrets(details));
      },
    },
  }) as Context;
