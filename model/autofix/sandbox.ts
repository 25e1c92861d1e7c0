/** Arguments of bwrap(1) for every sandbox of an agent: namespaces of its own but for the network, and no rights over the machine. */
export const APART: readonly string[] = [
  '--unshare-user',
  '--unshare-pid',
  '--unshare-ipc',
  '--unshare-uts',
  '--unshare-cgroup-try',
  '--die-with-parent',
  '--cap-drop',
  'ALL',
  '--ro-bind',
  '/',
  '/',
  '--dev',
  '/dev',
  '--proc',
  '/proc',
];

/** Arguments that make a sandbox and do nothing in it: whether one can be made here. */
export const TRIED_IN_SANDBOX: readonly string[] = [...APART, '--tmpfs', '/tmp', '--', '/bin/sh', '-c', 'exit 0'];
