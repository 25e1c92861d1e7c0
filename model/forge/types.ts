/** What is known of a kind of forge without asking it. Its members live in this folder, one file each, and are registered in `index.ts`. */
export interface Forge {
  /** For people. */
  readonly label: string;
  /** Whether repositories may be in groups within groups: `OWNER/GROUP/NAME`. */
  readonly hasGroups: boolean;
  /** Whether teams can be asked for a review. */
  readonly hasTeams: boolean;
  /** How a title says that its request is a draft: as we write it, and as it is read; `null` where a title says nothing of it. */
  readonly drafts: { readonly prefix: string; readonly seen: RegExp } | null;
  /** Most bytes of a request's text that all its versions take. */
  readonly bodyBytes: number;
  /** Address of the API, without a slash at its end. @param url of the forge, without one too */
  api(url: string): string;
  /** Path of the API's description of a repository, which needs the least rights; what belongs to the repository is below it. */
  repositoryPath(repository: string): string;
  /** Headers by which a token is known, and others that every request needs. */
  headers(token: string): Readonly<Record<string, string>>;
  access(answer: Readonly<Record<string, unknown>>): Access;
  /** What is refused for what it is, but only to those who may ask for it: nothing comes of it. */
  readonly trials: readonly [Trial, ...(readonly Trial[])];
  /** How a text names a request, so that the forge makes a link of it. */
  reference(number: number): string;
  /** A text of Lockkeeper in which nothing is a command to the forge. */
  harmless(text: string): string;
}

export interface Trial {
  /** Of a POST, below the path of the repository. */
  readonly path: string;
  readonly body: object;
  /** What only those may do who may ask for this: `open pull requests`. */
  readonly words: string;
  /** Whether no run can do without. */
  readonly isNeeded: boolean;
}

/** What the owner of a token may do in a repository; `null` where the forge does not say. */
export interface Access {
  /** Its whole name, such as `OWNER/NAME`: another one than was asked for when it has moved. */
  readonly name: string | null;
  readonly push: boolean | null;
  /** Whether the repository takes pull requests at all. */
  readonly requests: boolean | null;
}

export const truth = (value: unknown): boolean | null => (typeof value === 'boolean' ? value : null);
export const word = (value: unknown): string | null => (typeof value === 'string' ? value : null);
