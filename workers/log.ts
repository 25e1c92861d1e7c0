import { DefaultLogger, Runtime, type LogEntry, type LogLevel } from '@temporalio/worker';
import { dataWithoutSecrets, withoutSecrets } from '../host/secrets/redact.js';
import { printableJson, stripControl } from '../model/text/text.js';
import type { LogFormat } from '../model/machine/worker-options.js';

/** Fields that Temporal adds to each entry and that tell a person nothing in a line. */
const QUIET = new Set([
  'sdkComponent',
  'namespace',
  'isLocal',
  'taskToken',
  'runId',
  'workflowRunId',
  'firstExecutionRunId',
  'attempt',
]);

/** What Temporal says of each of our workers by design: most serve activities alone, and none serves Nexus. */
const EXPECTED = ['No workflows registered', 'No Nexus services registered', 'Worker state changed'];

/** Sends the worker's own and Temporal's log entries to standard error, as readable lines or as one JSON object each. */
export function installLogging(format: LogFormat, level: LogLevel, metricsAddress: string | null): DefaultLogger {
  const logger = new DefaultLogger(level, (entry) => {
    if (EXPECTED.some((beginning) => entry.message.startsWith(beginning))) return;
    process.stderr.write(`${format === 'json' ? asJson(entry) : asText(entry)}\n`);
  });
  try {
    Runtime.install({
      logger,
      telemetryOptions: {
        logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } },
        ...(metricsAddress === null ? {} : { metrics: { prometheus: { bindAddress: metricsAddress } } }),
      },
      // Signals are ours: see workers/worker.ts.
      shutdownSignals: [],
    });
  } catch (error) {
    if (metricsAddress === null) throw error;
    throw new Error(
      `metrics cannot be served at ${metricsAddress}: ${error instanceof Error ? error.message : String(error)}. Give another --metrics-port`,
      { cause: error },
    );
  }
  return logger;
}

const time = (entry: LogEntry): string => new Date(Number(entry.timestampNanos / 1_000_000n)).toISOString();

function asJson({ meta, ...entry }: LogEntry): string {
  const fields = Object.fromEntries(Object.entries(meta ?? {}).map(([name, value]) => [name, plain(value)]));
  const line = { time: time(entry), level: entry.level.toLowerCase(), message: entry.message, ...fields };
  return printableJson(dataWithoutSecrets(line));
}

function asText(entry: LogEntry): string {
  const fields = Object.entries(entry.meta ?? {})
    .filter(([name]) => !QUIET.has(name))
    .map(([name, value]) => `${name}=${text(plain(value))}`);
  const line = [time(entry), entry.level.padEnd(5), entry.message, ...fields].join(' ');
  return stripControl(withoutSecrets(line)).replace(/\n/g, ' | ');
}

const plain = (value: unknown): unknown => (value instanceof Error ? value.message : value);
const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
