/** What of a NixOS system decides whether it can take over while the machine runs. Paths in the store; `null`: it has none. */
export interface BootLinks {
  readonly kernel: string | null;
  readonly initrd: string | null;
  readonly kernelModules: string | null;
  /** `switch-inhibitors` of the system: what must be the same for a switch, by name. */
  readonly inhibitors: Readonly<Record<string, string>>;
}

export interface Switching {
  /** What is only used after a reboot: `kernel`, `initrd`, `kernel-modules`. */
  readonly reboot: readonly string[];
  /** Names of inhibitors because of which `switch-to-configuration switch` refuses. */
  readonly refuses: readonly string[];
}

/**
 * The same from what the system before refers to, where it is not on the machine: it has the kernel of the one after if it refers to
 * it. Inhibitors are not known then.
 * @param references store paths
 */
export const switchingFromReferences = (references: readonly string[], after: BootLinks): Switching =>
  switchingOf(
    {
      kernel: referredTo(references, after.kernel),
      initrd: referredTo(references, after.initrd),
      kernelModules: referredTo(references, after.kernelModules),
      inhibitors: {},
    },
    after,
  );

const referredTo = (references: readonly string[], link: string | null): string | null =>
  link !== null && references.some((each) => link === each || link.startsWith(`${each}/`)) ? link : null;

/**
 * Tells from the systems before and after what the machine will say. An inhibitor that only one of them has stops nothing.
 * Source: `nixos/modules/tasks/auto-upgrade.nix` and `nixos/modules/system/activation/switchable-system.nix` of nixpkgs.
 */
export function switchingOf(before: BootLinks, after: BootLinks): Switching {
  const links = [
    ['kernel', before.kernel, after.kernel],
    ['initrd', before.initrd, after.initrd],
    ['kernel-modules', before.kernelModules, after.kernelModules],
  ] as const;
  return {
    reboot: links.filter(([, old, now]) => old !== now).map(([name]) => name),
    refuses: Object.entries(after.inhibitors)
      .filter(([name, path]) => Object.hasOwn(before.inhibitors, name) && before.inhibitors[name] !== path)
      .map(([name]) => name)
      .sort(),
  };
}
