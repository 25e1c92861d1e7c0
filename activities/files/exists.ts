import { access } from 'node:fs/promises';

/** Whether something is at a path, as far as this process may look. */
export const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
