/** What keeps an agent from being started, in a few words that no further attempt would change. */
export class Unusable extends Error {
  override readonly name = 'Unusable';
}
