"""``python -m device``."""

import sys

try:
    from device.cli import main
except KeyboardInterrupt:  # nothing has begun
    sys.exit(130)

sys.exit(main())
