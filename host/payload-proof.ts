import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Client } from '@temporalio/client';
import type { Payload, PayloadCodec, SerializationContext } from '@temporalio/common';
import { idInSchedule } from '../model/run/ids.js';
import { UNPROVEN, type Unproven } from '../model/run/proof.js';
import type { RunKey } from './secrets/run-key.js';

/**
 * Everything that commands and workers put on a Temporal server (arguments, results, messages, memos) carries a proof: a MAC over
 * the content and over what it is for (namespace, workflow, activity), made with the run key. The content stays readable. What
 * comes from the server without one is replaced by a mark, which every door refuses: workflows (workflows/proof/interceptors.ts), activities
 * (activities/guard.ts) and commands.
 */
const PROOF = 'lockkeeper-proof';
const DOMAIN = 'lockkeeper payload 1';

export interface ProofSettings {
  /** Digests (`payloadDigest`) of what was there before there was a key. */
  readonly accepted?: ReadonlySet<string>;
  /** Whether what is said to be for nothing in particular is let pass: memos of lists, which are only shown. */
  readonly lenient?: boolean;
}

export function payloadProof(key: RunKey, settings: ProofSettings = {}): PayloadCodec {
  return {
    encode: (payloads, context) =>
      Promise.resolve(
        payloads.map((payload) => ({
          ...payload,
          metadata: { ...payload.metadata, [PROOF]: Buffer.from(proofOf(key, payload, placeOf(context))) },
        })),
      ),
    decode: (payloads, context) =>
      Promise.resolve(
        payloads.map((payload) => {
          const why = faultOf(key, settings, payload, context);
          return why === null ? payload : mark(payload, why);
        }),
      ),
  };
}

/** Whether what the server says has to be proven to this client. */
export const asksForProof = ({ options }: Client): boolean => options.loadedDataConverter.payloadCodecs.length > 0;

type Place = readonly string[];

const NOWHERE: Place = ['nothing'];

function placeOf(context: SerializationContext | undefined): Place {
  if (context === undefined) return NOWHERE;
  const { namespace, workflowId = '' } = context;
  return context.type === 'activity'
    ? ['activity', namespace, workflowId, context.activityId ?? '']
    : ['workflow', namespace, workflowId];
}

/** What a payload may be for, to be believed in a place. */
function placesOf(context: SerializationContext | undefined): readonly Place[] {
  const place = placeOf(context);
  // Heartbeats and failures that are sent by a task's token alone are for no activity in particular; they hold a machine's id.
  if (context?.type === 'activity') return [place, NOWHERE];
  const scheduled = context === undefined ? null : idInSchedule(context.workflowId);
  return context === undefined || scheduled === null
    ? [place]
    : [place, placeOf({ ...context, workflowId: scheduled })];
}

function proofOf({ id, secret }: RunKey, { metadata, data }: Payload, place: Place): string {
  const about = Object.entries(metadata ?? {})
    .filter(([name]) => name !== PROOF)
    .map(([name, value]) => [name, Buffer.from(value).toString('base64')] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const content = createHash('sha256').update(contentOf(data)).digest('hex');
  const mac = createHmac('sha256', secret).update(JSON.stringify([DOMAIN, place, about, content]));
  return `${id}.${mac.digest('base64url')}`;
}

/** Why a payload is not believed; `null` when it is. */
function faultOf(
  key: RunKey,
  { accepted, lenient = false }: ProofSettings,
  payload: Payload,
  context: SerializationContext | undefined,
): string | null {
  const given = Buffer.from(payload.metadata?.[PROOF] ?? '');
  const isProof = (place: Place): boolean => {
    const wanted = Buffer.from(proofOf(key, payload, place));
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  };
  if (placesOf(context).some(isProof)) return null;
  if (context === undefined && lenient) return null;
  if (context?.workflowId !== undefined && accepted?.has(payloadDigest(context.workflowId, payload)) === true)
    return null;
  if (given.length === 0)
    return 'carries no proof: its sender is another account, another program or an earlier version';
  if (!given.toString().startsWith(`${key.id}.`)) return 'was made with another run key than this one';
  return 'carries the proof of another message, or was changed';
}

/** Bytes of a payload. Protobuf's JavaScript gives empty ones as an empty array, which no hash takes. */
const contentOf = (data: Payload['data']): Uint8Array => Buffer.from(data ?? []);

/** Names a payload in the history of a workflow. */
export const payloadDigest = (workflowId: string, { metadata, data }: Payload): string =>
  createHash('sha256')
    .update(JSON.stringify([workflowId, Buffer.from(metadata?.encoding ?? '').toString('base64')]))
    .update(contentOf(data))
    .digest('base64url');

function mark({ data }: Payload, why: string): Payload {
  const unproven: Unproven = { why, value: parsed(data) };
  return {
    metadata: { encoding: Buffer.from('json/plain') },
    data: Buffer.from(JSON.stringify({ [UNPROVEN]: unproven })),
  };
}

function parsed(data: Uint8Array | null | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(data ?? '').toString('utf8')) as unknown;
  } catch {
    return null;
  }
}
