/**
 * An option of a command of the workers' half, which parses it. The client, another program, tells of it in help and completion:
 * what both say of it stands in one place.
 */
export interface DeclaredOption {
  /** In the notation of commander. */
  readonly flags: string;
  readonly description: string;
  /** The only values. */
  readonly choices?: readonly string[];
}
