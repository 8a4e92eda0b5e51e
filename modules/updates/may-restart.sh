# Whether this is a moment to restart the machine: between the times of day LOWER and UPPER (HH:MM; may span midnight), and
# nobody streams. Exit code 1 says: not now.
lower=$1 upper=$2 now=${3:-$(date +%H:%M)}

if [[ $lower < $upper ]]; then
  [[ ! $now < $lower && $now < $upper ]] || exit 1
else
  [[ ! $now < $lower || $now < $upper ]] || exit 1
fi

# A session that is kept for a device that comes back counts. Where the host does not run (69), nobody streams.
status=0
sessions=$(punktfunk-host ctl sessions --json) || status=$?
if [ "$status" = 69 ]; then
  exit 0
fi
if [ "$status" != 0 ] || ! jq --exit-status '.sessions == []' <<<"$sessions" >/dev/null; then
  exit 1
fi
