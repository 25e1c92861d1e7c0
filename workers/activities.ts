import { createAttemptFix } from '../activities/agent/attempt-fix.js';
import { guarded } from '../activities/guard.js';
import type { ActivityEnvironment } from '../activities/environment.js';
import { createForgeActivities } from '../activities/forge/requests.js';
import { createRunGate } from '../activities/gate/run-gate.js';
import { createUploadClosure } from '../activities/caches/upload-closure.js';
import { channelsTold, createLookAtChannels } from '../activities/channels/look-at-channels.js';
import { createGitActivities } from '../activities/git/index.js';
import { createPlanBuilds } from '../activities/nix/build/plan-builds.js';
import { createBuilderActivities, createMachineActivities } from '../activities/nix/builds.js';
import { createEvaluatorActivities, createLockActivities } from '../activities/nix/evaluation.js';
import { createNotify } from '../activities/notify/notify.js';
import { createEarlierHolds, createKnownVerdicts, renewSite, writeReport } from '../activities/reports.js';
import { rememberEnvironmentSecrets } from '../host/secrets/redact.js';
import { createServerActivities } from '../activities/server/index.js';
import { createPresenceActivities } from '../activities/server/presence.js';
import type {
  AgentActivities,
  BuilderActivities,
  CoordinatorActivities,
  EvaluatorActivities,
  GateActivities,
  MachineActivities,
  PresenceActivities,
} from '../model/contract/activities.js';

export interface MachineRegister {
  readonly coordinator: CoordinatorActivities;
  readonly evaluator: EvaluatorActivities;
  readonly builder: BuilderActivities;
  readonly agent: AgentActivities;
  readonly gate: GateActivities;
  readonly machine: MachineActivities;
  readonly presence: PresenceActivities;
}

export function createActivities(env: ActivityEnvironment): MachineRegister {
  rememberEnvironmentSecrets(process.env);
  const agent = { attemptFix: createAttemptFix(env) };
  const gate = { runGate: createRunGate(env) };
  const machine = { ...createMachineActivities(env), ...agent, ...gate, uploadClosure: createUploadClosure(env) };
  const { allowedCommands = null } = env;
  return {
    coordinator: guarded(
      {
        ...createGitActivities(env),
        ...createLockActivities(env),
        ...createServerActivities(env),
        ...createForgeActivities(env),
        earlierHolds: createEarlierHolds(env),
        knownVerdicts: createKnownVerdicts(env),
        notify: createNotify(env),
        lookAtChannels: createLookAtChannels(env),
        channelsTold,
        // Safe to repeat: the report and the site are replaced as a whole, and forgetting what is forgotten does nothing.
        closeRun: async ({ report, siteDir }) => {
          await writeReport(env, report);
          await machine.forgetRun({ run: report.run });
          if (siteDir !== undefined) await renewSite(env, siteDir);
          return { machine: env.machine };
        },
      },
      allowedCommands,
    ),
    evaluator: guarded(createEvaluatorActivities(env), allowedCommands),
    builder: guarded(createBuilderActivities(env), allowedCommands),
    agent: guarded(agent, allowedCommands),
    gate: guarded(gate, allowedCommands),
    machine: guarded(machine, allowedCommands),
    presence: guarded({ ...createPresenceActivities(), planBuilds: createPlanBuilds(env) }, allowedCommands),
  };
}
