/** What Nix says when `flake.nix` has inputs that the lock lacks (2.8 and newer versions, in this order). */
const LOCK_INCOMPLETE =
  /requires lock file changes|cannot write modified lock file|cannot update (?:unlocked )?flake input/;
const LOCK_REFUSED = /(?:mutable|unlocked|unpinned) (?:lock|input)|unsupported version|missing node/;
/** A link in the place of the lock, within the repository or not: 2.26, then 2.34. Nix 2.8 follows it. */
export const LOCK_IS_LINK = /\/flake\.lock' is (?:a symlink|not a regular file)/;

/** Whether Nix refuses the lock: it lacks inputs that `flake.nix` has, or is written in a way that this Nix does not take. */
export const isLockRefusal = (message: string): boolean =>
  [LOCK_INCOMPLETE, LOCK_REFUSED, LOCK_IS_LINK].some((words) => words.test(message));
