import { setTimeout as sleep } from 'node:timers/promises';
import { result } from '../../client/terminal/output.js';
import { chooseRenderer } from '../../client/progress/index.js';
import { AT_REST, type ProgressView, type TargetView } from '../../client/progress/view.js';
import { exampleReport } from './report.js';

/** Draws a run of many hosts on this terminal: first one phase, then another. Arguments: hosts, milliseconds of each phase. */
const [hosts = 1, milliseconds = 1000] = process.argv.slice(2).map(Number);

/** Terminals measure some of these in different ways. */
const ENDS = ['', '日本', '👩‍🚀', '❤️', 'ａｂ', 'e\u0301'];

const target = (index: number): TargetView => ({
  name: `host${index}${ENDS[index % ENDS.length] ?? ''}`,
  state: 'building',
  system: 'x86_64-linux',
  verdict: null,
  sameAsBase: null,
  error: null,
  seconds: null,
  ...AT_REST,
  startedAt: Date.now(),
  machine: 'forge',
  lastLine: `building ${'日本👩‍🚀'.repeat(30)}`,
  logPath: null,
});

const view = (phase: 'verifying' | 'landing'): ProgressView => ({
  run: 'update-fleet-20261121-093000',
  phase,
  waitsFor: null,
  doing: null,
  problem: phase === 'verifying' ? null : 'the remote does not answer',
  base: null,
  head: null,
  moved: [],
  unfetched: [],
  heldBack: [],
  mended: [],
  targets: Array.from({ length: hosts }, (_, index) => target(index)),
  approval: null,
  outcome: null,
  intent: null,
  startedAt: Date.now(),
});

result('a line above');
const renderer = chooseRenderer();
for (const phase of ['verifying', 'landing'] as const) {
  renderer.update(view(phase));
  await sleep(milliseconds);
}
renderer.finish(exampleReport());
result('the report');
