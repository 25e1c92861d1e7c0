import type { AttemptResult, PastAttempt } from '../model/autofix/attempt.js';
import type { FixTargetInput, FixTargetResult } from '../model/autofix/fix-target.js';
import { agentPrompt } from '../model/autofix/prompt.js';
import type { Candidate } from '../model/verify/candidate.js';
import { fixMessage } from '../model/report/commit-message.js';
import { oneLine } from '../model/text/one-line.js';
import { targetLabel } from '../model/targets/index.js';
import type { Verdict } from '../model/verify/verdict.js';
import { askAgent } from './fix/agent.js';
import { tellDoing } from './calls/tell-parent.js';
import { verifyInChildren } from './children/in-children.js';

/**
 * Lets an agent fix one broken target: each attempt starts from the candidate, knows why earlier attempts failed, and is verified for
 * this target only. Ends with the first attempt that builds, or when all attempts are used up.
 */
export async function fixTarget(input: FixTargetInput): Promise<FixTargetResult> {
  const { agent, broken, earlier } = input;
  const machines = new Set<string>();
  const attempts: PastAttempt[] = [];
  for (let number = earlier.length + 1; number <= agent.maxAttempts; number += 1) {
    await tellDoing(
      `attempt ${number} of ${agent.maxAttempts} at ${targetLabel(broken.target)}: asks ${agent.command}`,
    );
    const result = await attempt(input, number, [...earlier, ...attempts]);
    if (result.machine !== '') machines.add(result.machine);
    const verdict = result.candidate === null ? null : await verify(input, number, result.candidate, machines);
    attempts.push(pastAttempt(number, result, verdict));
    if (verdict?.verdict === 'built') return { attempts, candidate: result.candidate, machines: [...machines].sort() };
    // A change that no machine may verify before a person has approved it: another attempt would meet the same refusal.
    if (result.kind === 'unusable' || verdict?.needsApproval === true) break;
  }
  return { attempts, candidate: null, machines: [...machines].sort() };
}

function attempt(input: FixTargetInput, number: number, earlier: readonly PastAttempt[]): Promise<AttemptResult> {
  const { run, instance, repository, candidate, broken, moved, agent, author, committer, date } = input;
  return askAgent(
    {
      run,
      repository,
      candidate,
      target: broken.target,
      attempt: number,
      agent,
      ...(input.secretFiles === undefined ? {} : { secretFiles: input.secretFiles }),
      prompt: agentPrompt({ broken, moved, earlier, rules: agent.rules, dir: repository.dir }),
      message: fixMessage({ instance, run, broken, agent: agent.command, attempt: number }),
      author,
      committer,
      date,
      takeoverSeconds: input.takeoverSeconds,
    },
    input.builderWaitSeconds,
  );
}

async function verify(
  input: FixTargetInput,
  number: number,
  candidate: Candidate,
  machines: Set<string>,
): Promise<Verdict | null> {
  const { target } = input.broken;
  await tellDoing(`attempt ${number} of ${input.agent.maxAttempts} at ${targetLabel(target)}: verifies it`);
  const verified = await verifyInChildren(input, {
    label: `fix-${targetLabel(target)}`,
    candidate,
    targets: [target],
    probe: { derivations: [], failed: [], base: [] },
  });
  for (const machine of verified.machines) machines.add(machine);
  return verified.verdicts[0] ?? null;
}

/** What an attempt came to, as reports and later attempts are told. */
function pastAttempt(number: number, result: AttemptResult, verdict: Verdict | null): PastAttempt {
  const { kind, reason, seconds, machine, logPath, sandboxed, files, patch } = result;
  const common = { number, seconds, machine, logPath, sandboxed, files, patch, logTail: verdict?.logTail ?? null };
  if (kind !== 'proposed') return { ...common, outcome: kind, reason };
  if (verdict?.verdict === 'built') return { ...common, outcome: 'mended', reason: null };
  const why = oneLine(verdict?.error ?? 'it could not be verified', 500);
  return { ...common, outcome: 'still-broken', reason: `does not fix it: ${why}` };
}
