#!/bin/bash
# A hook starts in the folder of its release. The service must outlive it: setsid here, or a unit of systemd's.
set -eu
rm -f run/pid
setsid python3 service.py >>run/service.log 2>&1 </dev/null &
