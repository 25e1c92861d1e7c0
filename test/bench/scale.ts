import { readFile } from 'node:fs/promises';
import { Client, Connection } from '@temporalio/client';
import { createFleet } from '../support/fleet.js';
import { openHouse } from '../support/lockkeeper.js';
import type { Figure } from './figures.js';

/** A run of many hosts, a fifth of them broken: what it leaves in the server, and what its worker takes. */
export async function scale(hosts: number): Promise<readonly Figure[]> {
  const house = await openHouse();
  const fleet = await createFleet({
    hosts: Array.from({ length: hosts }, (_, index) => ({
      name: `host${index}`,
      ...(index % 5 === 0 ? { fail: 'build-after-move' as const } : {}),
    })),
  });
  try {
    await house.dev('--slots', '8');
    await fleet.moveInput('alpha');
    const updated = await house.update(fleet.checkout, '--require', 'host1');
    if (updated.exitCode !== 0) throw new Error(updated.stderr);
    const { address } = await house.server();
    const connection = await Connection.connect({ address });
    let events = 0;
    let bytes = 0;
    for await (const { historyLength, historySize } of new Client({ connection }).workflow.list()) {
      events += historyLength;
      bytes += historySize ?? 0;
    }
    await connection.close();
    const status = await readFile(`/proc/${(await house.worker()).pid}/status`, 'utf8');
    const resident = Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
    const detail = `${hosts} hosts, a fifth of them broken, run and children together`;
    return [
      { name: 'events in the histories', value: events, limit: 2000, unit: '', detail },
      { name: 'size of the histories', value: bytes / 1024, limit: 1024, unit: ' KiB', detail },
      { name: 'worker at most resident', value: resident, limit: 400, unit: ' MiB', detail },
    ];
  } finally {
    await house.close();
    await fleet.cleanup();
  }
}
