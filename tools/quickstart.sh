#!/bin/sh
# The main job on real mail: what `make quickstart` runs once all is built.
#
#   tools/quickstart.sh         BV_BIN: where the programs are (build/opt)
#
# Starts a private Postfix, another one that plays the rest of the world, and
# bvmilter, all on loopback; shows a signed message, its genuine bounce and a
# forged one; leaves no process and no file behind.
set -eu

me=tools/quickstart.sh
cd "$(dirname "$0")/.."
BV_BIN=${BV_BIN:-build/opt}
export BV_BIN PYTHONDONTWRITEBYTECODE=1
PATH=$PATH:/usr/sbin:/sbin

for program in bvmilter bvkey; do
    [ -x "$BV_BIN/$program" ] || { echo "$me: there is no $BV_BIN/$program; run: make" >&2; exit 1; }
done
for program in postfix python3; do
    command -v $program >/dev/null || { echo "$me: $program is not installed; run: make deps" >&2; exit 1; }
done
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "$me: a private Postfix can only be started by root; become root and run it again" >&2
        exit 1
    }
    echo "$me: a private Postfix can only be started by root, so this goes on through sudo"
    exec sudo BV_BIN="$BV_BIN" sh tools/quickstart.sh
fi
exec python3 test/e2e/quickstart.py
