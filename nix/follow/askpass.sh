#!/usr/bin/env bash
# Answers Git's questions for HTTPS: any user name, and the token in the file that FOLLOW_HTTPS_TOKEN_FILE names.
set -euo pipefail
case ${1:-} in
  Username*) printf 'token\n' ;;
  *) cat -- "${FOLLOW_HTTPS_TOKEN_FILE:?}" ;;
esac
