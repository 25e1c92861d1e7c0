#!/usr/bin/env bash
# Tells an ntfy server that this host could not follow its flake, with the last lines of the journal. Started by systemd
# as OnFailure= of lockkeeper-follow.service, whose name and invocation it gives in MONITOR_UNIT and MONITOR_INVOCATION_ID.
#   FOLLOW_HOST, FOLLOW_NTFY_SERVER, FOLLOW_NTFY_TOPIC; FOLLOW_NTFY_TOKEN_FILE if the server wants a token
set -euo pipefail
: "${FOLLOW_HOST:?}" "${FOLLOW_NTFY_SERVER:?}" "${FOLLOW_NTFY_TOPIC:?}"

lines=$(journalctl --no-pager --output=cat --lines=12 "_SYSTEMD_INVOCATION_ID=${MONITOR_INVOCATION_ID:-}" || true)
message=$(
  jq --null-input --arg topic "$FOLLOW_NTFY_TOPIC" --arg host "$FOLLOW_HOST" --arg lines "$lines" \
    --arg unit "${MONITOR_UNIT:-lockkeeper-follow.service}" '{
      topic: $topic,
      title: "❌ \($host) could not be upgraded",
      message: "\($lines[-1500:])\n\njournalctl --unit=\($unit)",
      priority: 4,
      tags: ["x", "flake", "warning"]
    }'
)

# The token is in no argument: other users can read those.
authorization() {
  [[ -z ${FOLLOW_NTFY_TOKEN_FILE:-} ]] || printf 'Authorization: Bearer %s\n' "$(<"$FOLLOW_NTFY_TOKEN_FILE")"
}
curl --fail --silent --show-error --output /dev/null --max-time 60 --retry 5 --retry-connrefused \
  --header @<(authorization) --data-binary @- -- "$FOLLOW_NTFY_SERVER" <<<"$message"
