import type { Client } from '@temporalio/client';
import { isForeignDatabase, messageOf } from '../../model/text/message-of.js';
import type { CommandContext } from '../context.js';
import { ensureServer, runningServer } from '../../host/embedded-server.js';
import { HostFault } from '../../host/errors.js';
import { CommandError, grpcCode } from '../errors.js';
import { refuseUnreadable } from './foreign-state.js';
import { commandKey } from './command-key.js';
import { chooseServer, type ServerChoice } from '../../host/server-choice.js';
import { hasDatabase } from '../../host/state-directory.js';
import { tlsTrouble } from './tls-trouble.js';
import { announceIfPossible } from '../../host/client-processes.js';

export interface Session {
  readonly client: Client;
  readonly address: string;
  readonly namespace: string;
  readonly embedded: boolean;
  /** Address of the Temporal UI; known for the embedded server alone. */
  readonly uiUrl: string | null;
  /** File with the key of a server elsewhere; `null` when none is named. */
  readonly runKeyFile: string | null;
  close(): Promise<void>;
}

const CONNECT_MS = 3500;

type Configured = Extract<ServerChoice, { kind: 'configured' }>;

/** The package is loaded when a command needs a server: `--help` needs none. */
const ownChoice = async (): Promise<ServerChoice> => chooseServer(await import('@temporalio/envconfig'));

export interface Greeting {
  readonly address: string;
  readonly client: Promise<Client>;
}

/**
 * Begins to connect to the server that a command will talk to, for a while in which it has other things to do. Starts
 * none: `null` when no server is known to run.
 */
export async function greetServer(context: CommandContext): Promise<Greeting | null> {
  const choice = await ownChoice();
  if (choice.kind === 'configured') return greeting(context, choice, choice.namespace);
  // What is wrong is said when the server is needed.
  const server = await runningServer(context.state).catch(() => null);
  return server === null
    ? null
    : greeting(
        context,
        { address: server.address, options: { address: server.address }, kind: 'embedded' },
        server.namespace,
      );
}

function greeting(
  context: CommandContext,
  { kind, address, options }: Pick<Configured, 'address' | 'options'> & Pick<ServerChoice, 'kind'>,
  namespace: string,
): Greeting {
  const client = connect(context, kind === 'embedded', options, namespace);
  // What is wrong is said when the server is needed.
  client.catch(() => undefined);
  return { address, client };
}

/**
 * Connects to the configured server, or to the embedded one, which is started when it does not run.
 * @param what the command, for the record of who needs the embedded server
 * @param greeted what `greetServer` began
 */
export async function openSession(
  context: CommandContext,
  what: string,
  greeted: Greeting | null = null,
): Promise<Session> {
  const choice = await ownChoice();
  if (choice.kind === 'configured') return connectConfigured(context, choice, greeted);
  // A key that cannot be used is said before a server is started for nothing.
  if (context.runKeyFile !== null) await commandKey(context, true);
  // First the record, then the server: a server that nobody uses ends itself.
  const unwritable: HostFault | null = await announceIfPossible(context.state, what);
  const server = unwritable === null ? await ensureServer(context.state) : await runningServer(context.state);
  if (server === null) throw unwritable ?? new CommandError('The embedded Temporal server does not run.');
  const connectAnew = (): Promise<Client> => connect(context, true, { address: server.address }, server.namespace);
  // A server that ended meanwhile answers again at its old address.
  const begun = greeted?.address === server.address ? greeted.client.catch(connectAnew) : connectAnew();
  const client = await begun.catch((error: unknown) => {
    if (error instanceof HostFault) throw error;
    throw new CommandError(
      `The embedded Temporal server at ${server.address} does not answer: ${messageOf(error)}. ` +
        `Its log is ${context.state.serverLog}.`,
    );
  });
  return session(client, { ...server, embedded: true, runKeyFile: context.runKeyFile });
}

/**
 * As `openSession`, for commands that only read: `null` when the embedded server would be used and has never kept a
 * run, so that looking starts nothing and creates nothing.
 */
export async function openExistingSession(context: CommandContext, what: string): Promise<Session | null> {
  const choice = await ownChoice();
  if (choice.kind === 'configured') return connectConfigured(context, choice);
  await refuseUnreadable(context.state);
  if (!hasDatabase(context.state) && (await runningServer(context.state)) === null) return null;
  return openSession(context, what);
}

async function connectConfigured(
  context: CommandContext,
  choice: Configured,
  greeted: Greeting | null = null,
): Promise<Session> {
  const { address, namespace } = choice;
  const { runKeyFile } = context;
  try {
    const client = await (greeted?.client ?? connect(context, false, choice.options, namespace));
    await client.withDeadline(Date.now() + CONNECT_MS, () => client.workflowService.describeNamespace({ namespace }));
    return session(client, { address, namespace, embedded: false, uiUrl: null, runKeyFile });
  } catch (error) {
    if (error instanceof HostFault) throw error;
    throw new CommandError(await whatIsWrong(choice, error));
  }
}

const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;

async function whatIsWrong({ address, namespace, source, options }: Configured, error: unknown): Promise<string> {
  const code = grpcCode(error);
  if (code === NOT_FOUND) {
    return (
      `The Temporal server at ${address} (from ${source}) has no namespace "${namespace}". Name another one with ` +
      `TEMPORAL_NAMESPACE, or make it: temporal operator namespace create --address ${address} -n ${namespace}`
    );
  }
  const said = firstLine(messageOf(error));
  const refused = code === PERMISSION_DENIED || code === UNAUTHENTICATED;
  const trouble = refused ? said : await tlsTrouble(options);
  if (trouble !== null) {
    return (
      `The Temporal server at ${address} (from ${source}) and this client do not accept each other: ${trouble}. ` +
      "Check the API key and the certificates that Temporal's configuration names (TEMPORAL_API_KEY and TEMPORAL_TLS_…, " +
      'or the same in its profile).'
    );
  }
  return (
    `No Temporal server answers at ${address} (from ${source}): ${said}. ` +
    'Start one there ("temporal server start-dev" starts one for development), say TEMPORAL_TLS=true if it speaks TLS, or unset ' +
    `${source.startsWith('TEMPORAL') ? source : 'TEMPORAL_PROFILE'} to use Lockkeeper's embedded server.`
  );
}

async function connect(
  context: CommandContext,
  embedded: boolean,
  options: object,
  namespace: string,
): Promise<Client> {
  const key = await commandKey(context, embedded);
  const { Client, Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } = await import('@temporalio/client');
  const retry = defaultGrpcRetryOptions();
  const interceptors = [
    makeGrpcRetryInterceptor({
      ...retry,
      // The server calls itself unavailable then, and will be however often it is asked.
      retryableDecider: (attempt, status) =>
        !isForeignDatabase(status.details) && retry.retryableDecider(attempt, status),
    }),
  ];
  const connection = await Connection.connect({ ...options, interceptors, connectTimeout: CONNECT_MS });
  return new Client({ connection, namespace, ...(key === null ? {} : { dataConverter: { payloadCodecs: [key] } }) });
}

function session(
  client: Client,
  about: {
    readonly address: string;
    readonly namespace: string;
    readonly embedded: boolean;
    readonly uiUrl: string | null;
    readonly runKeyFile: string | null;
  },
): Session {
  const { address, namespace, embedded, uiUrl, runKeyFile } = about;
  return { client, address, namespace, embedded, uiUrl, runKeyFile, close: () => client.connection.close() };
}

const firstLine = (text: string): string => text.split('\n')[0]?.trim() ?? text;

/**
 * Web address of the page of the Temporal UI that says what a run does, in its own words, where the server's UI is known: the
 * run's summary and details. That of its history says them only in passing.
 */
export async function uiLink({ client, namespace, uiUrl }: Session, run: string): Promise<string | null> {
  if (uiUrl === null) return null;
  const described = await client.workflow
    .getHandle(run)
    .describe()
    .catch(() => null);
  if (described === null) return null;
  const workflow = `${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(run)}`;
  return `${uiUrl.replace(/\/$/, '')}/namespaces/${workflow}/${described.runId}/user-metadata`;
}
