/** A line of a builder, as `bar-with-logs` shows it. A name of a store path holds no space, Nix's own lines do. */
export const BUILDER_LINE = /^([0-9A-Za-z+._?=-]+)(?: \(post\))?> ?/;

/** How many derivations Nix says that it will build; one where it gives no number. */
export const PLAN = /^(?:this|these (\d+)) derivations? will be built:$/;

/** The derivation whose build begins. */
export const BUILDING = /^building '([^']+\.drv)'/;
