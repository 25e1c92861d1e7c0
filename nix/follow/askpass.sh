#!/usr/bin/env bash
# Answers Git's questions for HTTPS: any user name, and the token in the file that FOLLOW_HTTPS_TOKEN_FILE names. Only the host
# of FOLLOW_FLAKE gets it: Git also fetches the inputs of the flake, whose servers may ask for a password as well.
set -euo pipefail
prompt=${1:-} host=''
if [[ ${FOLLOW_FLAKE:?} =~ ^git\+https://([^@/]*@)?([^/?#]+) ]]; then host=${BASH_REMATCH[2],,}; fi
# Older versions of Git show names of users as they are: one that ends like a host is followed by an @.
[[ $prompt =~ ^(Username|Password)\ for\ \'https://([^/]*@)?([^/@]+)(/[^@]*)?\':\ ?$ && -n $host && ${BASH_REMATCH[3],,} == "$host" ]] || {
  printf 'the token is for the host of %s alone, and Git asks: %q\n' "$FOLLOW_FLAKE" "$prompt" >&2
  exit 1
}
case $prompt in
  Username*) printf 'token\n' ;;
  *) cat -- "${FOLLOW_HTTPS_TOKEN_FILE:?}" ;;
esac
