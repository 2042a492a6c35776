#!/bin/bash
# Run of the release that goes. It may run twice, and there may be nothing to stop.
[ -f run/pid ] || exit 0
pid=$(cat run/pid)
kill "$pid" 2>/dev/null || exit 0
for _ in {1..100}; do
  kill -0 "$pid" 2>/dev/null || exit 0
  sleep 0.1
done
kill -KILL "$pid"
