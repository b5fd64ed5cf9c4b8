# Sourced by the other scripts: building, and starting and stopping brokers of our own by pid.
# shellcheck shell=bash

# shellcheck source=scripts/help.bash
source "$(dirname "${BASH_SOURCE[0]}")/help.bash"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
ringmq=$root/target/release/ringmq
loadgen=$root/target/release/loadgen
broker_pid=
work=$(mktemp -d)

build() {
    cargo build --release --quiet --package ringmq --package ringmq-loadgen
}

# A port of 127.0.0.1 that nothing listens on.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start_ringmq ARGUMENTS...: sets broker_pid and broker_port; output goes to $work/broker.log
start_ringmq() {
    broker_port=$(free_port)
    "$ringmq" --listen "127.0.0.1:$broker_port" "$@" >"$work/broker.log" 2>&1 &
    broker_pid=$!
    await_broker "stop with"
}

# start_mosquitto [CPU]: Debian's Mosquitto with scripts/mosquitto.conf.
start_mosquitto() {
    broker_port=$(free_port)
    { echo "listener $broker_port 127.0.0.1"; cat "$root/scripts/mosquitto.conf"; } >"$work/mosquitto.conf"
    ${1:+taskset -c "$1"} "$(command -v mosquitto || echo /usr/sbin/mosquitto)" -c "$work/mosquitto.conf" >"$work/broker.log" 2>&1 &
    broker_pid=$!
    await_broker
}

# await_broker [LINE]: until it listens, and has said LINE.
await_broker() {
    local tries=0
    until { [ -z "${1:-}" ] || grep -qs "$1" "$work/broker.log"; } && (exec 3<>"/dev/tcp/127.0.0.1/$broker_port") 2>/dev/null; do
        if ! kill -0 "$broker_pid" 2>/dev/null || [ $((tries += 1)) -gt 400 ]; then
            echo "the broker did not start:" >&2
            cat "$work/broker.log" >&2
            exit 1
        fi
        sleep 0.05
    done
}

# Stops the broker started last; fails when it does not end with 0.
stop_broker() {
    local pid=$broker_pid
    broker_pid=
    kill -TERM "$pid"
    wait "$pid" || {
        echo "the broker ended with $?:" >&2
        cat "$work/broker.log" >&2
        return 1
    }
}

# field FILE KEY[.KEY]: a number out of loadgen's JSON.
field() {
    python3 -c 'import functools, json, sys; print(functools.reduce(lambda d, k: d[k], sys.argv[2].split("."), json.load(open(sys.argv[1]))))' "$1" "$2"
}

leave() {
    local code=$?
    [ -z "$broker_pid" ] || kill -KILL "$broker_pid" 2>/dev/null || true
    rm -rf "$work"
    exit "$code"
}
trap leave EXIT
