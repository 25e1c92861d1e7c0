/** What is known of a kind of forge without asking it. Its members live in this folder, one file each, and are registered in `index.ts`. */
export interface Forge {
  /** For people. */
  readonly label: string;
  /** Most bytes of a request's text that all its versions take. */
  readonly bodyBytes: number;
  /** Address of the API's description of a repository, which needs the least rights. @param url of the forge, without a slash at its end */
  repositoryApi(url: string, repository: string): string;
  /** Headers by which a token is known. */
  authorization(token: string): Readonly<Record<string, string>>;
  /** What that description says. */
  access(answer: Readonly<Record<string, unknown>>): Access;
}

/** What the owner of a token may do in a repository; `null` where the forge does not say. */
export interface Access {
  readonly push: boolean | null;
  /** Whether the repository takes pull requests at all. */
  readonly requests: boolean | null;
}
