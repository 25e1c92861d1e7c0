import { condition, defineSignal, defineUpdate, setHandler, upsertMemo, workflowInfo } from '@temporalio/workflow';
import { finalFailure } from '../../model/run/failures.js';
import {
  APPROVE,
  GIVES_WAY_MEMO,
  GIVE_WAY,
  isNewer,
  REJECT,
  type Decision,
  type GiveWayRequest,
} from '../../model/run/messages.js';
import { asShown, refusalWords, unprovenIn } from '../../model/run/proof.js';
import { approvalCommands } from '../../model/progress/markdown.js';
import type { ApprovalDecision, Landed, PlannedBuilds } from '../../model/report/data.js';
import type { WholeOptions } from '../../model/run/earlier.js';
import type { ApprovalPolicy } from '../../model/run/options.js';
import { nameList, tooManyWords } from '../../model/report/words.js';
import { truncate } from '../../model/text/text.js';
import type { RunState } from './run-state.js';

const approve = defineUpdate<string, [Decision]>(APPROVE);
const reject = defineUpdate<string, [Decision]>(REJECT);
const giveWay = defineUpdate<string, [GiveWayRequest]>(GIVE_WAY);
const approveSignal = defineSignal<[Decision]>(APPROVE);
const rejectSignal = defineSignal<[Decision]>(REJECT);

type Kind = typeof APPROVE | typeof REJECT;
const DECIDED = { [APPROVE]: 'approved', [REJECT]: 'rejected' } as const satisfies Record<Kind, string>;

/** What became of a question: a person's answer, none in time, or a newer run that made it pointless. */
export type Answer =
  | ApprovalDecision
  | { readonly decision: 'superseded'; readonly by: string }
  /** Somebody went on with its pull request, so that there is nothing left to ask about. */
  | { readonly decision: 'overtaken'; readonly landed: Landed };

export interface Question {
  readonly commit: string;
  /** Whether another commit was approved before, which is not what would land now. */
  readonly again: boolean;
  /** Names of the targets that are verified only once it is approved. */
  readonly unverified: readonly string[];
  /** What is asked about, where it is not the landing: how much would be built, which is more than the owner wants. */
  readonly builds?: PlannedBuilds;
  /** How the forge is a way to answer, as a clause; missing where it is none. */
  readonly onForge?: string;
}

/** A person's approval before landing. Handlers live as long as the run; a decision counts only while it is waited for. */
export interface Approval {
  /** Waits for a decision on this question, with reminders, until the deadline. */
  readonly decide: (about: Question, policy: ApprovalPolicy, remind: () => Promise<void>) => Promise<Answer>;
  /** Whether the question is answered, or asked no more, within some time, which may be over sooner. */
  readonly answeredWithin: (ms: number, isOver: () => boolean) => Promise<boolean>;
  /** Answers the question, unless it has been answered. */
  readonly answer: (answer: Answer) => void;
  /** Shows why something does not count as an answer. */
  readonly note: (why: string) => void;
  /** From now on no answer counts: there will be another candidate. */
  readonly refuseAnswers: () => void;
  /** Asks no more, because there is another candidate. */
  readonly withdraw: () => void;
}

export function openApproval(run: string, options: WholeOptions, state: RunState): Approval {
  let awaited: Pick<Decision, 'commit' | 'about'> | null = null;
  let question: string | null = null;
  let decision: Answer | null = null;
  // A function, because the compiler would take the variable for unchanged across an await.
  const decided = (): Answer | null => decision;

  const notWaiting = (): string | null => {
    if (awaited === null) return `run ${run} is not waiting for approval (it is ${state.progress().phase})`;
    const earlier = decided();
    return earlier === null ? null : `run ${run} has been ${earlier.decision} already`;
  };
  const refusal = (kind: Kind, sent: Partial<Decision> | null): string | null => {
    const unproven = unprovenIn(sent);
    if (unproven !== null) {
      return options.approval?.withoutKey === true
        ? refusal(kind, unproven.value as Partial<Decision> | null)
        : refusalWords('the decision', unproven);
    }
    // Anybody can type a signal by hand.
    if (typeof sent?.commit !== 'string') return 'a decision is {"by": "…", "commit": "…", "comment": "…"}';
    if (sent.decision !== undefined && sent.decision !== kind)
      return `the decision was made to ${kind === APPROVE ? REJECT : APPROVE} run ${run}, and somebody has sent it again to ${kind} it`;
    const reason = notWaiting();
    if (reason !== null || awaited === null) return reason;
    if (sent.about !== awaited.about)
      return `the decision is about ${aboutWords(sent.about)}, but run ${run} asks about ${aboutWords(awaited.about)}: look at it again with "lockkeeper status ${run}"`;
    if (sent.commit !== awaited.commit)
      return `the decision names commit ${truncate(sent.commit, 64)}, but run ${run} waits for ${awaited.commit}: look at it again with "lockkeeper status ${run}"`;
    return null;
  };
  const take = (kind: Kind, proven: Decision): string => {
    const sent = asShown(proven) as Decision;
    const what = DECIDED[kind];
    decision = { decision: what, by: text(sent.by, 200), commit: sent.commit, comment: text(sent.comment, 2000) };
    return `${what} ${sent.commit}`;
  };
  const validator =
    (kind: Kind) =>
    (sent: Decision): void => {
      const reason = refusal(kind, sent);
      if (reason !== null) throw finalFailure('NotWaiting', reason);
    };
  const takeSignal = (kind: Kind, sent: Decision): void => {
    const reason = refusal(kind, sent);
    if (reason === null) take(kind, sent);
    else state.show({ waitsFor: `${question ?? 'nobody’s decision'} (ignored a signal: ${reason})` });
  };
  setHandler(approve, (sent): string => take(APPROVE, sent), {
    validator: validator(APPROVE),
    description: 'Let the waiting run land: {"by", "commit", "comment"}, with the commit that it waits for',
  });
  setHandler(reject, (sent): string => take(REJECT, sent), {
    validator: validator(REJECT),
    description: 'End the waiting run without landing: {"by", "commit", "comment"}, with the commit that it waits for',
  });
  setHandler(
    giveWay,
    (sent): string => {
      decision = { decision: 'superseded', by: sent.run };
      return `gives way to ${sent.run}`;
    },
    {
      description: 'From a newer run of the instance; not for people',
      validator: (sent: GiveWayRequest) => {
        const reason = notWaiting() ?? staysAgainst(options, sent);
        if (reason !== null) throw finalFailure('NotWaiting', reason);
      },
    },
  );
  const asSignal = 'As the update of this name; one that does not match is noted in the details, and ignored';
  setHandler(
    approveSignal,
    (sent): void => {
      takeSignal(APPROVE, sent);
    },
    { description: asSignal },
  );
  setHandler(
    rejectSignal,
    (sent): void => {
      takeSignal(REJECT, sent);
    },
    { description: asSignal },
  );

  const forgetQuestion = (): void => {
    awaited = null;
    question = null;
    state.show({ approval: null });
  };
  const withdraw = (): void => {
    forgetQuestion();
    state.tag('LockkeeperWaiting', 'no');
    if (options.supersedes) upsertMemo({ [GIVES_WAY_MEMO]: null });
  };

  return {
    refuseAnswers: () => {
      if (awaited === null) return;
      forgetQuestion();
      state.phase('verifying');
    },
    withdraw,
    answeredWithin: async (ms, isOver) => {
      const isAnswered = (): boolean => awaited === null || decided() !== null;
      await condition(() => isAnswered() || isOver(), ms, { summary: 'next check of the pull request' });
      return isAnswered();
    },
    answer: (answer) => {
      if (notWaiting() === null) decision = answer;
    },
    note: (why) => {
      if (question !== null) state.show({ waitsFor: `${question} (${why})` });
    },
    decide: async ({ commit, again, unverified, builds, onForge }, policy, remind) => {
      const deadline = new Date(Date.now() + policy.deadlineSeconds * 1000).toISOString();
      const about = builds === undefined ? {} : ({ about: 'builds' } as const);
      awaited = { commit, ...about };
      decision = null;
      state.show({ approval: { deadline, commit, ...about } });
      const why = again ? ` (again: ${options.repository.mainBranch} has moved, and the update with it)` : '';
      const back = state.progress().moved.filter(({ goesBack }) => goesBack === true);
      const older =
        back.length === 0 ? '' : `; ${nameList(back.map(({ name }) => name))} would go back to an older revision`;
      const later =
        unverified.length === 0
          ? ''
          : `; ${nameList(unverified)} would be verified then, for no sandbox can be had for what an agent changed`;
      const what = builds === undefined ? `approval of` : `approval to build ${tooManyWords(builds)}, for`;
      question = `${what} ${commit.slice(0, 12)} until ${forPeople(deadline)}${why}${older}${later}: ${approvalCommands(run)}${onForge === undefined ? '' : `; ${onForge}`}`;
      state.phase('waiting-for-approval', question);
      state.tag('LockkeeperWaiting', 'approval');
      if (options.supersedes) upsertMemo({ [GIVES_WAY_MEMO]: true });
      for (let left = policy.deadlineSeconds * 1000; left > 0 && decided() === null;) {
        const pause = Math.min(Math.max(1, policy.reminderSeconds) * 1000, left);
        const answered = await condition(() => decided() !== null, pause, { summary: 'wait for approval' });
        left -= pause;
        if (!answered && left > 0) await remind();
      }
      withdraw();
      return decided() ?? { decision: 'expired', by: null, commit, comment: null };
    },
  };
}

/** Why a run does not give way to another one; `null` when it does. */
function staysAgainst({ supersedes, instance }: WholeOptions, sent: Partial<GiveWayRequest> | null): string | null {
  const { workflowId, startTime } = workflowInfo();
  // Anybody can type an update by hand.
  if (typeof sent?.run !== 'string' || typeof sent.startedAt !== 'string')
    return 'a request is {"run": "…", "instance": "…", "startedAt": "…"}';
  if (!supersedes || sent.instance !== instance) return `run ${workflowId} gives way to no such run`;
  const other = { workflowId: sent.run, startTime: new Date(sent.startedAt) };
  return isNewer(other, { workflowId, startTime }) ? null : `run ${workflowId} is the newer one`;
}

const aboutWords = (about: unknown): string => (about === 'builds' ? 'what is built' : 'the landing');

const text = (value: unknown, bytes: number): string | null =>
  typeof value === 'string' && value !== '' ? truncate(value, bytes) : null;

/** `2026-11-28 10:35 UTC` */
const forPeople = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`;
