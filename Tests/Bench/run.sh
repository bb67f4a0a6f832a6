#!/usr/bin/env bash
# Measures the release build against its marks, each beside a reference from the same minutes, and prints one table of medians.
#
# Server, PostgreSQL and load generator share this machine. TURNS sets how often everything is measured (3). Nothing here passes or
# fails by a number: the exit status says only whether all of it ran.
set -euo pipefail
cd "$(dirname "$0")/../.."

bench=Tests/Bench
restante=.build/release/restante
load=.build/release/restante-load
turns=${TURNS:-3}
few=1000
many=15000
postgres_bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -1)

for needed in "$restante" "$load" "$postgres_bin/pgbench"; do
    [[ -x $needed ]] || { echo "bench: $needed is missing; make build" >&2; exit 1; }
done

# Each held poll is a descriptor here and one there, and the server needs some for itself.
ulimit -n "$(ulimit -Hn)"
if [[ $(ulimit -n) != unlimited && $(ulimit -n) -lt $((many + 3000)) ]]; then
    many=$(($(ulimit -n) - 3000))
    echo "bench: the limit on open files allows $many polls, not 15000" >&2
fi
[[ $many -gt $few ]] || { echo "bench: the limit on open files, $(ulimit -n), is too low" >&2; exit 1; }

# Other work on the same cores spoils every figure, the references too.
read -r load_average _ </proc/loadavg
if awk -v load="$load_average" 'BEGIN { exit !(load > 0.7) }'; then
    echo "bench: the machine is not idle (load average $load_average); expect lower figures" >&2
fi

work=$(mktemp -d /tmp/restante-bench.XXXXXX)
chmod 711 "$work"
server_pid=

stop_server() {
    [[ -n $server_pid ]] || return 0
    kill -TERM "$server_pid" 2>/dev/null || true
    wait "$server_pid" 2>/dev/null || true
    server_pid=
}
trap 'stop_server; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

start_server() {
    : >"$work/output"
    : >"$work/log"
    env RESTANTE_DATA_DIR="$work/data" RESTANTE_PORT=0 RESTANTE_OTP_DELIVERY=response RESTANTE_RATE_LIMITS=off \
        "$restante" serve >"$work/output" 2>>"$work/log" &
    server_pid=$!
    local tries=0
    until address=$(sed -n 's/^restante: listening on //p' "$work/output") && [[ -n $address ]]; do
        tries=$((tries + 1))
        if [[ $tries -gt 600 ]] || ! kill -0 "$server_pid" 2>/dev/null; then
            echo "bench: the server did not start" >&2
            tail -20 "$work/log" >&2
            exit 1
        fi
        sleep 0.1
    done
}

open_descriptors() { find "/proc/$server_pid/fd" -mindepth 1 2>/dev/null | wc -l; }

# Waits, for at most 20 s, until the server has let go of the connections of the phase before.
settle() {
    local tries=0
    while [[ $(open_descriptors) -gt $((idle_descriptors + 20)) && $tries -lt 200 ]]; do
        tries=$((tries + 1))
        sleep 0.1
    done
}

# phase NAME SUBCOMMAND OPTION...: keeps the JSON of one measurement. A phase that fails leaves none, and the table says so.
phase() {
    local name=$1
    shift
    echo "bench: turn $turn of $turns: $name" >&2
    timeout 120 "$load" "$@" --server "$address" --server-pid "$server_pid" --json >"$work/result" || true
    if [[ -s $work/result ]]; then mv "$work/result" "$work/$name.$turn.json"; fi
    settle
}

# Rows a second that PostgreSQL alone stores and deletes, in the server's own cluster while the server is idle.
yardstick() {
    echo "bench: turn $turn of $turns: yardstick" >&2
    # postmaster.pid says where the server listens: the port in line 4, the socket's directory in line 5.
    local pid_file where
    pid_file=$(find "$work/data" -maxdepth 3 -name postmaster.pid | head -1)
    [[ -n $pid_file ]] || { echo "bench: there is no running cluster below $work/data" >&2; return 0; }
    mapfile -t where <"$pid_file"
    local connection=(-h "${where[4]}" -p "${where[3]}" -U restante)
    export PGOPTIONS='-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off'
    PGOPTIONS+=' -c enable_hashjoin=off -c enable_mergejoin=off'
    "$postgres_bin/psql" "${connection[@]}" -q -d postgres -f "$bench/yardstick.sql" 2>>"$work/log"
    # A body of 200 characters that does not compress.
    local body
    body=$(head -c 150 /dev/urandom | base64 -w 0)
    "$postgres_bin/pgbench" "${connection[@]}" -n -M prepared -c 2 -j 1 -T 5 -D stored=0 -D body="$body" \
        -f "$bench/pair.sql" postgres >"$work/yardstick.$turn.txt" 2>>"$work/log" || true
    "$postgres_bin/psql" "${connection[@]}" -q -d postgres -c 'DROP TABLE yardstick' 2>>"$work/log"
}

for turn in $(seq "$turns"); do
    start_server
    idle_descriptors=$(open_descriptors)
    if [[ $turn -eq 1 ]]; then
        echo "bench: registering $((many + 1)) devices" >&2
        "$load" register --server "$address" --devices "$((many + 1))" --output "$work/sessions"
        stop_server
        start_server
        idle_descriptors=$(open_descriptors)
    fi
    phase get get --seconds 3
    # The many come before anything that would leave freed memory behind for them.
    phase many polls --sessions "$work/sessions" --devices "$many" --wakes 2000 --rate 500
    phase few polls --sessions "$work/sessions" --devices "$few" --wakes 2000 --rate 500
    phase full messages --sessions "$work/sessions" --devices 500 --in-flight 512 --warm-up 2 --seconds 8
    phase half messages --sessions "$work/sessions" --devices 500 --rate 5000 --warm-up 2 --seconds 8
    yardstick
    stop_server
done

python3 "$bench/table.py" "$work" "$turns"
