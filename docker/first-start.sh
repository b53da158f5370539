#!/bin/sh
# Make the secrets of a plant at its first start; those that are there stay as they are.
#
#     first-start.sh DIRECTORY [GROUP]
#
# Each is a file of its own: the token of the InfluxDB, and the passwords of the InfluxDB's and the
# Grafana's own users. GROUP, a number, may read them; without one only their owner may.
set -eu
directory=${1:?must be given a directory for the secrets}
group=${2:-}
umask 077
mkdir -p "$directory"

make() { # name
    path=$directory/$1
    if [ -s "$path" ]; then
        echo "first-start: $path is there"
        return 0
    fi
    # Whole or not at all: what is half made by a kill has another name.
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$path.part"
    [ "$(wc -c <"$path.part")" -eq 64 ] || {
        echo "first-start: no random numbers to make $path of" >&2
        return 1
    }
    mv "$path.part" "$path"
    echo "first-start: $path is made"
}

make influx_token
make influx_password
make grafana_password

if [ -n "$group" ]; then
    chgrp "$group" "$directory" "$directory/influx_token" "$directory/influx_password" "$directory/grafana_password"
    chmod 0750 "$directory"
    chmod 0440 "$directory/influx_token" "$directory/influx_password" "$directory/grafana_password"
fi
