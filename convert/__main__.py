"""``python -m convert``."""

import sys

try:
    from convert.cli import main
except KeyboardInterrupt:  # nothing has begun
    sys.exit(130)

sys.exit(main())
