import { formatSize } from '../text/size.js';
import type { BuildPlan } from './build-plan.js';

/** What building has to do: `12 builds, 340 downloads (1.2 GiB, 3.4 GiB unpacked)`; nothing when there is nothing to do, or it is not known. */
export function planWords(plan: BuildPlan | null | undefined): string {
  if (plan == null) return '';
  const { builds, fetches } = plan;
  return [
    ...(builds === 0 ? [] : [builds === 1 ? '1 build' : `${builds} builds`]),
    ...(fetches === 0 ? [] : [fetchWords(plan)]),
  ].join(', ');
}

/** `340 downloads (1.2 GiB, 3.4 GiB unpacked)` */
export function fetchWords({ fetches, downloadBytes, unpackedBytes }: BuildPlan): string {
  const what = fetches === 1 ? '1 download' : `${fetches} downloads`;
  return `${what} (${formatSize(downloadBytes)}, ${formatSize(unpackedBytes)} unpacked)`;
}
