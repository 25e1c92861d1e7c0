import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Payload } from '@temporalio/common';
import { payloadProof } from '../../host/payload-proof.js';

const proof = payloadProof({ id: 'test', secret: Buffer.alloc(32, 1) });
const place = { type: 'workflow', namespace: 'default', workflowId: 'some-run' } as const;

test('nothing at all is proven in each form that Temporal gives it', async () => {
  const metadata = { encoding: Buffer.from('binary/null') };
  // What protobuf's JavaScript makes of empty bytes is not what its types say.
  const forms = [{ metadata }, { metadata, data: null }, { metadata, data: [] as unknown as Uint8Array }];
  for (const form of forms) {
    const [sent] = await proof.encode([form], place);
    assert.ok(sent);
    const received: Payload = { ...sent, data: [] as unknown as Uint8Array };
    assert.deepEqual(await proof.decode([received], place), [received]);
  }
});
