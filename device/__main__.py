"""``python -m device``.

Every Python from 2.7 on can read this file, so that an old one says what it is.
"""

import sys

PYTHON = sys.version_info[:2]
if PYTHON < (3, 11) and (PYTHON < (3, 9) or sys.argv[1:2] != ["doctor"]):
    sys.exit(
        "error: Python " + sys.version.split()[0] + " is too old: liteberry needs 3.11 or newer; "
        "Raspberry Pi OS Bookworm has 3.11, Trixie 3.13"
    )

try:
    if PYTHON >= (3, 11):
        from device.cli import main
    else:
        from device.commands.doctor import main
except KeyboardInterrupt:  # nothing has begun
    sys.exit(130)

try:
    code = main()
except ModuleNotFoundError as exc:
    if "--debug" in sys.argv:
        raise
    sys.exit("error: " + str(exc) + "; what to install: python -m device doctor")

if PYTHON < (3, 11):
    sys.exit(code)

from device.system.shutdown import leave  # noqa: E402

leave(code)
