import type { Report, ReportedTarget } from '../../model/report/data.js';

/** A complete report of a run that landed; a test changes what it is about. */
export function exampleReport(change: Partial<Report> = {}): Report {
  return {
    run: 'update-fleet-20261121-093015',
    instance: 'update',
    repository: 'git@forge.example:me/fleet',
    outcome: 'landed',
    error: null,
    base: 'a'.repeat(40),
    head: 'b'.repeat(40),
    inputs: [
      {
        name: 'nixpkgs',
        kind: 'github',
        from: '1'.repeat(40),
        to: '2'.repeat(40),
        fromDate: '2026-11-01',
        toDate: '2026-11-20',
        compareUrl: 'https://github.com/NixOS/nixpkgs/compare/1111...2222',
        nested: [],
        nestedMoves: [],
      },
    ],
    unfetched: [],
    ...{ advice: [], fixes: [], heldBack: [], letGo: [], brokenOnBase: [], notHeldBack: [], notAsked: [] },
    ...{ waiting: [], gone: [], closedRequests: [], channels: [] },
    ignoredNixConfig: [],
    leftOut: [],
    targets: [exampleTarget('alpha'), exampleTarget('web@1.example', { sameAsBase: true })],
    required: ['alpha', 'web@1.example'],
    landed: { mode: 'branch', ref: 'flake-update-20261121', commit: 'b'.repeat(40) },
    approval: null,
    notifications: [],
    startedAt: '2026-11-21T09:30:15.000Z',
    seconds: 75,
    ...change,
  };
}

/** A report of a run in which nothing moved but inputs of an input: seven of them, named `home/n0` to `home/n6`. */
export function nestedReport(change: Partial<Report> = {}): Report {
  const move = {
    from: '1'.repeat(40),
    to: '2'.repeat(40),
    fromDate: '2026-11-01',
    toDate: '2026-11-20',
  };
  const nested = Array.from({ length: 7 }, (_, n) => `home/n${n}`);
  const nestedMoves = nested.map((path, n) => ({ ...move, path, compareUrl: `https://example.org/n${n}/compare` }));
  const stays = { ...move, to: move.from, toDate: move.fromDate };
  const home = { ...stays, name: 'home', kind: 'github', compareUrl: null, nested, nestedMoves };
  return exampleReport({ inputs: [home], ...change });
}

export function exampleTarget(name: string, change: Partial<ReportedTarget> = {}): ReportedTarget {
  return {
    name,
    kind: 'nixos',
    required: true,
    system: 'x86_64-linux',
    verdict: 'built',
    sameAsBase: false,
    drvPath: `/nix/store/${'0'.repeat(32)}-${name}.drv`,
    outPath: `/nix/store/${'1'.repeat(32)}-${name}`,
    seconds: 12.3,
    error: null,
    failedDrv: null,
    machine: 'machine-1',
    logPath: null,
    logTail: null,
    ...change,
  };
}

/** A target whose build failed, with 30 numbered lines of log. */
export const brokenTarget = (name: string, change: Partial<ReportedTarget> = {}): ReportedTarget =>
  exampleTarget(name, {
    verdict: 'build-failed',
    outPath: null,
    sameAsBase: null,
    error: `builder for ${name} failed with exit code 7`,
    failedDrv: `/nix/store/${'9'.repeat(32)}-broken.drv`,
    logPath: `/state/builds/run/${name}/log`,
    logTail: Array.from({ length: 30 }, (_, index) => `line ${index + 1}`).join('\n'),
    ...change,
  });
