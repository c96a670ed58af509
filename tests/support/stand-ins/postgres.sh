#!/bin/sh
# Starts PostgreSQL as the official image does, as far as compose.yaml needs it.
set -eu
export PGDATA=/var/lib/postgresql/18/docker
as_nobody() { setpriv --reuid=nobody --regid=nogroup --clear-groups "$@"; }
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  install -d -m 700 -o nobody -g nogroup "$PGDATA"
  as_nobody /postgres/bin/initdb --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth=scram-sha-256
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  echo "create database $POSTGRES_USER" | as_nobody /postgres/bin/postgres --single postgres
fi
exec setpriv --reuid=nobody --regid=nogroup --clear-groups /postgres/bin/postgres -c "listen_addresses=*" -c unix_socket_directories=
