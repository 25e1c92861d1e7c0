#!/bin/sh
# Runs one command apart from the worker that started it, and leaves behind how it ended.
#
#   supervisor.sh RECORD LEASE COMMAND [ARGUMENT...]
#
# RECORD is the folder of the command, LEASE the seconds after which a command that nobody follows ends itself. The worker
# starts this script in a session of its own. In RECORD it writes
#   identity  who runs this command; claimed by a hard link, so of two supervisors started at once only one runs it
#   log       all output, appended; of a long one the middle is given back to the disk, as a hole in the file
#   log.gap   which bytes are gone, as {"from":BYTES,"to":BYTES}
#   status    how it ended, moved into place whole
# and reads
#   lease     "SECONDS STAMP"; whoever follows the command keeps changing STAMP
# The lease counts turns of a loop and looks at no clock: a machine that slept or whose clock was set loses no command.
set -u
record=$1 lease=$2
shift 2
trap '' HUP
# What it writes is for its own account alone; what the command writes is as the worker's account has it.
mask=$(umask)
umask 077

# field N WORD...: the Nth word.
field() {
  shift "$1"
  printf '%s' "$1"
}

# Each process as "pid parent start-time"; the command in /proc/PID/stat may hold spaces and parentheses.
processes() {
  for file in /proc/[0-9]*/stat; do
    { read -r line <"$file"; } 2>/dev/null || continue
    rest=${line##*) }
    printf '%s %s %s\n' "${line%% *}" "$(field 2 $rest)" "$(field 20 $rest)"
  done
}

# below PID: PID and all processes below it, as "pid:start-time". Nix runs builders in sessions of their own.
below() {
  all=$(processes)
  pids=" $1 " found= grown=yes
  while [ -n "$grown" ]; do
    grown=
    while read -r pid parent start; do
      case $found in *" $pid:"*) continue ;; esac
      case $pids in
        *" $pid "* | *" $parent "*) pids="$pids$pid " found="$found $pid:$start" grown=yes ;;
      esac
    done <<EOF
$all
EOF
  done
  printf '%s' "$found"
}

# Bytes of the log that are kept: at its beginning, and at its end.
log_begin=67108864 log_end=201326592
# Bytes by which it grows between two looks: before its middle is given back once more, and within a second where it grows fast.
log_step=16777216
log_size=0 log_grown=0 log_cut=$log_begin

# bound_log: gives the middle of a long log back. It is noted before it goes, so that no reader takes the hole for text.
bound_log() {
  now=$(stat -c %s "$record/log") || return
  log_grown=$((now - log_size)) log_size=$now
  [ "$((log_size - log_end - log_cut))" -gt "$log_step" ] || return
  cut_to=$((log_size - log_end))
  printf '{"from":%s,"to":%s}\n' "$log_begin" "$cut_to" >"$record/log.gap.new" &&
    mv -f "$record/log.gap.new" "$record/log.gap" &&
    fallocate --punch-hole --offset "$log_cut" --length "$((cut_to - log_cut))" "$record/log" &&
    log_cut=$cut_to
}

# wait_a_second: and looks after the log meanwhile.
wait_a_second() {
  if [ "$log_grown" -le "$log_step" ]; then
    sleep 1
    bound_log
    return
  fi
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.1
    bound_log
  done
}

# end_command PID: asks it to stop, gives it ten seconds, and kills what is left of it and below it.
end_command() {
  tree=$(below "$1")
  kill -TERM "$1"
  waited=0
  while [ "$waited" -lt 10 ] && kill -0 "$1"; do
    wait_a_second
    waited=$((waited + 1))
  done
  for each in $tree; do
    { read -r line <"/proc/${each%%:*}/stat"; } || continue
    [ "$(field 20 ${line##*) })" != "${each#*:}" ] || kill -KILL "${each%%:*}"
  done
}

# watch_lease PID: ends the command when nobody renewed the lease for as many seconds as it says.
watch_lease() {
  idle=0 seen=
  while kill -0 "$1"; do
    wait_a_second
    stamp=
    if read -r seconds stamp <"$record/lease"; then lease=$seconds; fi
    if [ "$stamp" = "$seen" ]; then idle=$((idle + 1)); else idle=0 seen=$stamp; fi
    if [ "$idle" -ge "$lease" ]; then
      echo lease >"$record/ending"
      end_command "$1"
      return
    fi
  done
}

read -r boot </proc/sys/kernel/random/boot_id
while read -r name time rest; do [ "$name" != btime ] || break; done </proc/stat
read -r line <"/proc/$$/stat"
read -r uptime rest </proc/uptime
printf '{"pid":%s,"bootId":"%s","bootTime":%s,"startTime":"%s","uptime":%s}\n' \
  "$$" "$boot" "$time" "$(field 20 ${line##*) })" "$uptime" >"$record/identity.$$" || exit 1
ln "$record/identity.$$" "$record/identity" 2>/dev/null
claimed=$?
rm -f "$record/identity.$$"
[ "$claimed" -eq 0 ] || exit 0

rm -f "$record/ending"
exec >>"$record/log" 2>&1
{ umask "$mask" && exec "$@"; } </dev/null &
command=$!
stopped=
trap 'stopped=yes; kill -TERM "$command" 2>/dev/null' TERM INT
watch_lease "$command" >/dev/null 2>&1 </dev/null &
watcher=$!

# A signal interrupts the wait, not the command.
while :; do
  wait "$command"
  code=$?
  kill -0 "$command" 2>/dev/null || break
done

kind=exit
if [ -f "$record/ending" ]; then
  kind=lease
  wait "$watcher"
elif [ -n "$stopped" ]; then
  kind=stopped
fi
kill "$watcher" 2>/dev/null
bound_log >/dev/null 2>&1
[ "$code" -ne 0 ] || kind=exit
read -r uptime rest </proc/uptime
printf '{"kind":"%s","code":%s,"uptime":%s}\n' "$kind" "$code" "$uptime" >"$record/status.new" &&
  mv -f "$record/status.new" "$record/status"
