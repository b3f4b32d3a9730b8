#!/bin/sh
# clients.sh LUALAB: clients.py with whatever Python there is; skipped without one.
python=/usr/bin/python3
[ -x "$python" ] || python=python3
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 8))' 2>/dev/null; then
    echo "skipped: there is no python3 (3.8 or later)"
    exit 77
fi
exec "$python" "$(dirname "$0")/clients.py" "$@"
