import type { Person } from '../git/person.js';

/** What a run does where nobody says otherwise, the same for `lockkeeper update` and for configured instances. */

export const LOCKKEEPER: Person = { name: 'Lockkeeper', email: 'lockkeeper@localhost' };

export const TAKEOVER_SECONDS = 120;
export const BUILDER_WAIT_SECONDS = 600;

/** Some five inputs of a hundred can be found with so many. */
export const PROBE_BUDGET = 32;

/** Updates of each host that stay in the store of its builder. */
export const KEPT_CLOSURES = 1;

/** Targets that a machine uploads at once. */
export const UPLOADS = 2;
