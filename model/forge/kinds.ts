/** Forges that pull requests can be opened on. Each has two halves of that name: here, and in `activities/forge/`. */
export const FORGE_KINDS = ['gitea', 'github', 'gitlab'] as const;
export type ForgeKind = (typeof FORGE_KINDS)[number];
