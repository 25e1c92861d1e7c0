#!/usr/bin/env bash
# Brings this host to the newest commit that its flake reference names, and never to an older one.
#
#   follow.sh [EXTRA ARGUMENTS FOR nixos-rebuild]
#
# Everything else comes from the environment, which nix/modules/follow.nix sets:
#   FOLLOW_FLAKE          flake reference without a fragment, for example git+https://…/fleet?ref=production
#   FOLLOW_HOST           attribute below nixosConfigurations
#   FOLLOW_OPERATION      switch or boot
#   FOLLOW_REQUIRE_CACHE  1: only apply what the binary caches hold, and build nothing here
#   FOLLOW_ALLOW_REBOOT   1: reboot when kernel, initrd or kernel modules are others than the booted ones
#   FOLLOW_WINDOW         HH:MM-HH:MM in which it may reboot; empty: always. It may reach over midnight
#   FOLLOW_MAX_AGE_DAYS   how old the commit may be that the flake names; empty: however old
#   FOLLOW_PROFILE        the system profile
#   FOLLOW_BOOTED         the booted system
#   STATE_DIRECTORY       where the applied commit is remembered (set by systemd)
#   FOLLOW_SECONDS        optional: how long looking at the flake may take, and each fetch of its history; 1200 if unset
#   FOLLOW_FILE_KIB       optional: the largest file that these may write; 4 GiB if unset
#
# Safe to repeat: a run that is killed anywhere remembers nothing that is not applied, and the next one starts over.
set -euo pipefail

: "${FOLLOW_FLAKE:?}" "${FOLLOW_HOST:?}" "${FOLLOW_OPERATION:?}" "${FOLLOW_PROFILE:?}" "${FOLLOW_BOOTED:?}" "${STATE_DIRECTORY:?}"
applied=$STATE_DIRECTORY/applied.json
history=$STATE_DIRECTORY/history.git
next=$STATE_DIRECTORY/next

say() { printf '%s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# Runs a command that talks to a server, within limits: a server that is silent, or sends without end, keeps no later run
# from starting. The first arguments are the seconds that it may take, the KiB of a file that it writes, and what it does.
bounded() {
  local seconds=$1 file_kib=$2 what=$3 status=0
  shift 3
  (
    # Without the signal, the command itself says that a file is too large.
    trap '' XFSZ
    ulimit -f "$file_kib"
    exec timeout --kill-after=10 "$seconds" "$@"
  ) || status=$?
  # 124 is timeout's own status, 137 that of a command which it had to kill.
  ((status != 124 && status != 137)) || die "$what did not end within $seconds seconds: this host stays as it is"
  return "$status"
}
seconds=${FOLLOW_SECONDS:-1200}
file_kib=${FOLLOW_FILE_KIB:-$((4 * 1024 * 1024))}

# No flake of somebody else's changes how this host's Nix works.
nix_flakes=(nix --extra-experimental-features 'nix-command flakes' --option accept-flake-config false)

# The value of a key of the last applied commit; nothing if there is none.
remembered() { [[ ! -s $applied ]] || jq --raw-output --arg key "$1" '.[$key] // empty' "$applied"; }

# What a newer kernel would change. A container has none of these.
kernel_of() { readlink -- "$1/initrd" "$1/kernel" "$1/kernel-modules" || true; }

reboot_is_due() { [[ ${FOLLOW_ALLOW_REBOOT:-} == 1 && $(kernel_of "$FOLLOW_BOOTED") != "$(kernel_of "$FOLLOW_PROFILE")" ]]; }

inside_window() {
  local from to now
  [[ -n ${FOLLOW_WINDOW:-} ]] || return 0
  from=${FOLLOW_WINDOW%-*} to=${FOLLOW_WINDOW#*-} now=$(date +%H:%M)
  if [[ $from < $to ]]; then
    [[ ! $now < $from && $now < $to ]]
  else
    [[ ! $now < $from || $now < $to ]]
  fi
}

reboot_if_due() {
  reboot_is_due || return 0
  if inside_window; then
    say 'the kernel is another one: this host reboots in one minute'
    shutdown -r +1 'Lockkeeper brings this host to its new kernel'
  else
    say "the kernel is another one: this host has to reboot, which it may between ${FOLLOW_WINDOW/-/ and }"
  fi
}

# Refuses a commit that is not a descendant of the last applied one. References that are no Git repositories
# (github: and tarballs) come without history: there the dates of the commits decide.
refuse_the_past() {
  local before=$1 metadata=$2 rev url
  if [[ $(jq --raw-output .locked.type <<<"$metadata") != git ]]; then
    local earlier now
    earlier=$(remembered lastModified) now=$(jq --raw-output .lastModified <<<"$metadata")
    ((now >= earlier)) || die "$FOLLOW_FLAKE is at a commit of $(date --date="@$now" --iso-8601=seconds), and this host has one of" \
      "$(date --date="@$earlier" --iso-8601=seconds) ($before): it does not go back in time. $way_back"
    return 0
  fi
  rev=$(jq --raw-output .revision <<<"$metadata") url=$(jq --raw-output .locked.url <<<"$metadata")
  [[ -d $history ]] || git init --quiet --bare "$history"
  fetch_commit "$url" "$rev" "$(jq --raw-output '.locked.ref // .original.ref // "HEAD"' <<<"$metadata")"
  git -C "$history" cat-file -e "$before^{commit}" 2>/dev/null ||
    die "this host has commit $before, which $FOLLOW_FLAKE does not know, so nobody can tell whether $rev is newer. $way_back"
  git -C "$history" merge-base --is-ancestor "$before" "$rev" ||
    die "$FOLLOW_FLAKE is at $rev, which does not come after $before, the commit of this host: it does not go back in time. $way_back"
}
way_back="To apply it all the same, remove $applied and start this unit again."

# The commit with its history. A server may refuse commits by hash, so it is asked for the branch first.
fetch_commit() {
  local url=$1 rev=$2 ref=$3
  local fetch=(bounded "$seconds" "$file_kib" "fetching the history of $url" git -C "$history" fetch --quiet --no-tags --no-write-fetch-head)
  "${fetch[@]}" -- "$url" "+$ref:refs/follow/seen"
  git -C "$history" cat-file -e "$rev^{commit}" 2>/dev/null || "${fetch[@]}" -- "$url" "+$rev:refs/follow/seen"
}

# Fetches the whole system from the caches; without a derivation Nix has nothing to build. The output is asked for by
# its path, since systems forbid substitution of their derivation (allowSubstitutes).
fetch_from_caches() {
  local locked=$1 attribute toplevel
  attribute="nixosConfigurations.\"$FOLLOW_HOST\".config.system.build.toplevel.outPath"
  toplevel=$(bounded "$seconds" "$file_kib" "evaluating $FOLLOW_HOST" \
    "${nix_flakes[@]}" eval --raw "${build_nothing[@]}" --no-update-lock-file "$locked#$attribute")
  # A look before the upload is remembered for an hour otherwise.
  bounded "$download_seconds" unlimited "downloading $toplevel" nix-store --realise --option narinfo-cache-negative-ttl 0 --add-root "$next" "$toplevel" >/dev/null ||
    die "$toplevel is not in the binary caches of this host, and it builds nothing itself (requireCache): it stays as it is"
}
# A system may be large, and a line slow.
download_seconds=$((6 * 60 * 60))
# Not as --option: the first nixos-rebuild-ng keeps only the last of several.
build_nothing=(--max-jobs 0 --builders '')

rebuild() { nixos-rebuild "$1" --flake "$2#$FOLLOW_HOST" --refresh --no-update-lock-file "${@:3}"; }

# Fails when the flake names an old commit: whoever moves it may have stopped. Called when all else is done.
tell_if_old() {
  local metadata=$1 days
  [[ -n ${FOLLOW_MAX_AGE_DAYS:-} ]] || return 0
  days=$((($(date +%s) - $(jq --raw-output .lastModified <<<"$metadata")) / (24 * 60 * 60)))
  ((days < FOLLOW_MAX_AGE_DAYS)) ||
    die "$FOLLOW_FLAKE is at a commit that is $days days old, and this host allows $FOLLOW_MAX_AGE_DAYS: see why nothing moves it"
}

remember() {
  local rev=$1 metadata=$2
  jq '{ rev: $rev, lastModified, flake: $flake, system: $system }' --arg rev "$rev" --arg flake "$FOLLOW_FLAKE" \
    --arg system "$(readlink --canonicalize -- "$FOLLOW_PROFILE")" <<<"$metadata" >"$applied.new"
  mv -- "$applied.new" "$applied"
  [[ ! -d $history ]] || ! git -C "$history" cat-file -e "$rev^{commit}" 2>/dev/null ||
    git -C "$history" update-ref refs/follow/applied "$rev"
  rm -f -- "$next"
}

main() {
  local metadata locked rev before operation=$FOLLOW_OPERATION
  metadata=$(bounded "$seconds" "$file_kib" "looking at $FOLLOW_FLAKE" "${nix_flakes[@]}" flake metadata --refresh --json "$FOLLOW_FLAKE")
  locked=$(jq --raw-output .url <<<"$metadata")
  rev=$(jq --raw-output '.revision // empty' <<<"$metadata")
  [[ -n $rev ]] || die "$FOLLOW_FLAKE names no commit, so this host cannot know what it has: follow a Git repository"
  before=$(remembered rev)

  if [[ $before == "$rev" && $(readlink --canonicalize -- "$FOLLOW_PROFILE") == "$(remembered system)" ]]; then
    say "this host is at $rev already"
    reboot_if_due
    tell_if_old "$metadata"
    return
  fi
  [[ -z $before || $before == "$rev" ]] || refuse_the_past "$before" "$metadata"

  if [[ ${FOLLOW_REQUIRE_CACHE:-} == 1 ]]; then
    fetch_from_caches "$locked"
    set -- "${build_nothing[@]}" "$@"
  fi
  if [[ ${FOLLOW_ALLOW_REBOOT:-} == 1 ]]; then
    # Activated only if the running kernel stays, as after a reboot everything is new anyway.
    rebuild boot "$locked" "$@"
    reboot_is_due || [[ $operation == boot ]] || rebuild switch "$locked" "$@"
  else
    rebuild "$operation" "$locked" "$@"
  fi
  remember "$rev" "$metadata"
  say "this host is at $rev now${before:+ (before: $before)}"
  reboot_if_due
  tell_if_old "$metadata"
}

main "$@"
