/** Task queue names: see "What runs where" in docs/architecture.md. Every name is made here. */
export const COORDINATOR_QUEUE = 'lockkeeper';
export const EVALUATE_QUEUE = 'lockkeeper-evaluate';
/** Served where an agent's credentials are. */
export const AGENT_QUEUE = 'lockkeeper-agent';

/** Served by builders. */
export const GATE_QUEUE = 'lockkeeper-gate';

/** Stands for gates where builds name a system: see `presenceQueue`. */
export const GATES = 'gates';

/** @param system a Nix system such as `x86_64-linux` */
export const buildQueue = (system: string): string => `lockkeeper-build-${system}`;

/**
 * Answers whether a system is served: builds that take all slots keep a worker from polling the queue above for hours, and
 * then it looks like one that nobody serves.
 * @param system a Nix system, or `GATES`
 */
export const presenceQueue = (system: string): string => `lockkeeper-presence-${system}`;

/** @param machine the id kept in a machine's state directory */
export const machineQueue = (machine: string): string => `lockkeeper-builder-${machine}`;

/**
 * The queue of an account's own workers: what these do is done with its rights, credentials and settings, and by nobody else.
 * @param user name of the account; `null`: whoever serves the queue
 */
export const queueOf = (queue: string, user: string | null): string => (user === null ? queue : `${queue}@${user}`);

/** The account that a queue belongs to; `null` when it is nobody's in particular. No other name of a queue has an `@`. */
export const userOf = (queue: string): string | null => queue.split('@')[1] ?? null;
