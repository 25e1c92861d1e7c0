import { Client, Connection } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { payloadProof } from '../../host/payload-proof.js';
import { ownRunKey } from '../../host/secrets/run-key.js';
import type { Phase, RunProgress } from '../../model/progress/progress.js';
import { until, withHouse } from './lockkeeper.js';
import type { House, Running } from './lockkeeper.js';
import { atEndOf, type Scope } from './scope.js';

/** Connects to the server of a house, as its owner. */
export async function connectTo(house: House): Promise<Client> {
  const { address } = await house.server();
  return new Client({ connection: await Connection.connect({ address }), dataConverter: await ownProof(house) });
}

/** What proves that the owner of a house asks. */
export const ownProof = async ({ state }: House): Promise<DataConverter> => ({
  payloadCodecs: [payloadProof(await ownRunKey(state), { lenient: true })],
});

/** A house with a server, a worker and a connection of its own. */
export interface ServedHouse {
  readonly house: House;
  readonly client: Client;
  readonly worker: Running;
}

/** @param args of `lockkeeper dev` */
export async function withServedHouse(scope: Scope, ...args: string[]): Promise<ServedHouse> {
  const house = await withHouse(scope);
  const worker = await house.dev(...args);
  return { house, worker, client: await withClient(scope, house) };
}

/** A connection as the owner of a house until a scope is over. */
async function withClient(scope: Scope, house: House): Promise<Client> {
  const client = await connectTo(house);
  atEndOf(scope, () => client.connection.close());
  return client;
}

/** Waits until a run other than those known is in a phase. */
export async function runInPhase(
  client: Client,
  phase: Phase,
  running: Running,
  known: readonly string[] = [],
): Promise<RunProgress> {
  let found: RunProgress | undefined;
  await until(
    async () => {
      if (running.child.exitCode !== null) throw new Error(`the command ended: ${running.output()}`);
      for await (const { workflowId } of client.workflow.list({
        query: 'WorkflowType = "updateFlake" AND ExecutionStatus = "Running"',
      })) {
        if (known.includes(workflowId)) continue;
        const progress = await client.workflow.getHandle(workflowId).query<RunProgress>('progress');
        if (progress.phase === phase) found = progress;
      }
      return found !== undefined;
    },
    60_000,
    () => `no run is ${phase}: ${running.output()}`,
  );
  if (found === undefined) throw new Error(`no run is ${phase}`);
  return found;
}

/** Asks the server of a house something; `false` when it does not answer, or its answer was an error. */
export async function withServer(house: House, ask: (client: Client) => Promise<boolean>): Promise<boolean> {
  const client = await connectTo(house).catch(() => null);
  if (client === null) return false;
  try {
    return await ask(client).catch(() => false);
  } finally {
    await client.connection.close();
  }
}
