/** A line of a builder, as `bar-with-logs` shows it. A name of a store path holds no space, Nix's own lines do. */
export const BUILDER_LINE = /^([0-9A-Za-z+._?=-]+)(?: \(post\))?> ?/;

/** The derivation whose build begins. */
export const BUILDING = /^building '([^']+\.drv)'/;
