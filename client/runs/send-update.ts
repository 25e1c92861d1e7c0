import { hostname, userInfo } from 'node:os';
import { messageOf } from '../../model/text/message-of.js';
import type { Session } from '../server/connection.js';
import { CommandError, grpcCode } from '../errors.js';
import { workerBringer, workerProblem } from '../server/problems.js';
import { queueOfRun } from './runs.js';
import { suggest } from '../terminal/suggest.js';

const ANSWER_MS = 10_000;
/** Status code of gRPC. */
const DEADLINE_EXCEEDED = 4;

/** Who types, as it is kept in the report. */
export const operator = (): string => `${userInfo().username}@${hostname()}`;

/** Sends an update and waits for the answer; an id counts once. @throws `CommandError` with the reason of a refusal */
export async function sendUpdate(
  session: Session,
  run: string,
  update: { readonly name: string; readonly id: string; readonly argument: unknown },
): Promise<void> {
  const problem = await answererProblem(session, run);
  if (problem !== null) throw new CommandError(`The run ${run} cannot be asked: ${problem}.`);
  try {
    await session.client.withDeadline(Date.now() + ANSWER_MS, () =>
      session.client.workflow
        .getHandle(run)
        .executeUpdate(update.name, { args: [update.argument], updateId: update.id }),
    );
  } catch (error) {
    const { WorkflowNotFoundError, WorkflowUpdateFailedError } = await import('@temporalio/client');
    if (error instanceof WorkflowNotFoundError)
      throw new CommandError(`The run ${run} is over: see "lockkeeper report ${run}".`);
    if (grpcCode(error) === DEADLINE_EXCEEDED)
      throw new CommandError(
        `The run ${run} did not answer within ${ANSWER_MS / 1000} s; "${suggest('doctor')}" tells whether its server and disk are well.`,
      );
    const why = error instanceof WorkflowUpdateFailedError ? messageOf(error.cause ?? error) : messageOf(error);
    throw new CommandError(`The run ${run} refused: ${why}.`);
  }
}

/** The run's own code answers, so a worker has to be there. */
const answererProblem = async (session: Session, run: string): Promise<string | null> =>
  workerProblem(session, await queueOfRun(session, run), workerBringer(session, run));
