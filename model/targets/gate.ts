import { PRESET_WORDS, type Gate, type GateCheck } from '../gates/gate.js';
import { oneLine } from '../text/one-line.js';
import { shellQuote } from '../text/text.js';
import type { TargetKind } from './types.js';

/** A command that has to succeed in the candidate's work tree: then its verdict is `built`, and otherwise `build-failed`. */
export interface GateTarget {
  readonly kind: 'gate';
  readonly name: string;
  readonly check: GateCheck;
  readonly timeoutSeconds: number;
}

export const gateTarget = ({ name, check, timeoutSeconds }: Gate): GateTarget => ({
  kind: 'gate',
  name,
  check,
  timeoutSeconds,
});

/** Checks of the whole flake. */
export const gate: TargetKind<GateTarget> = {
  noun: 'gate',
  good: 'passed',
  prefix: 'gate:',
  verdicts: {
    built: 'passed',
    'evaluation-failed': 'failed',
    'build-failed': 'failed',
    'timed-out': 'timed out',
    skipped: 'could not run',
  },
  building: 'running',
  notRequired: 'warns only',
  breakage: (name) => `the gate ${name} does not pass`,
  complaint: () => 'The check does not pass.',
  task: ({ name, check }, flake) => [
    `# Make the check ${name} pass`,
    `An update of flake.lock, which is committed already, has to pass the check ${name} of ${flake}: ` +
      `\`${oneLine(check.kind === 'preset' ? PRESET_WORDS[check.preset] : check.words.map(shellQuote).join(' '), 2000)}\` ` +
      'has to succeed, and may change no file that is committed. Change as little as possible.',
  ],
};
