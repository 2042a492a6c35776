#!/bin/bash
# Only the release that should answer is a success; the last lines printed stand in the error.
for _ in {1..100}; do
  got=$(curl -sf --max-time 2 "http://${INSTANCE_ADDRESS:-127.0.0.1}:8080/") || got=
  [ "$got" = "$ROPEWAY_RELEASE" ] && exit 0
  sleep 0.2
done
tail -n 3 run/service.log
echo "asked for $ROPEWAY_RELEASE, got ${got:-no answer}"
exit 1
