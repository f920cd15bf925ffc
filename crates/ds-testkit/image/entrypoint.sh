#!/bin/sh
# Entry point of the image ds-test:17: speaks the same as the official images do, so that the one that
# is present can be used. `postgres …` makes a cluster first; anything else is run as it is.
set -eu

if [ "${1:-}" != postgres ]; then
    exec "$@"
fi
shift

PATH=/usr/lib/postgresql/17/bin:$PATH
data=/var/lib/postgresql/data
if [ ! -s "$data/PG_VERSION" ]; then
    umask 077
    printf '%s\n' "${POSTGRES_PASSWORD:?}" > /tmp/password
    initdb --pgdata="$data" --username="${POSTGRES_USER:-postgres}" --pwfile=/tmp/password \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync > /dev/null
    rm /tmp/password
    echo 'host all all all scram-sha-256' >> "$data/pg_hba.conf"
fi
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp "$@"
