"""The QR code of a link, for a phone to read off a terminal.

``python -m device.web.qr_code`` draws the link that it reads from its standard input, where other
users of the machine do not see it: `deploy.sh` asks it, who has no such package of its own.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO

QUIET_ZONE = 4  # modules of margin that ISO/IEC 18004 asks for
MAX_LINK_CHARS = 1000
UNKNOWN_COLUMNS = 80  # of a terminal that does not say how wide it is
# Black on white whatever the terminal's theme: some phones read no inverted codes.
_COLOURS, _RESET = "\x1b[38;5;16;48;5;231m", "\x1b[0m"
_BLOCKS = {(0, 0): " ", (1, 0): "▀", (0, 1): "▄", (1, 1): "█"}  # upper and lower module dark


def qr_code(link: str, columns: int) -> str | None:
    """The QR code of ``link``, two rows of modules in a line of text.

    None where it is wider than a terminal of ``columns``, longer than a link should be, or where
    segno, which draws it, is not installed: the link in letters does as well.
    """
    if not 0 < len(link) <= MAX_LINK_CHARS:
        return None
    try:
        import segno  # 1 MB beside the rest of a run, and only where somebody looks at a terminal
    except ModuleNotFoundError:
        return None
    code = segno.make(link, error="l", micro=False)
    rows = [bytes(row) for row in code.matrix_iter(border=QUIET_ZONE)]
    width = len(rows[0])
    if width > columns:
        return None
    rows += [bytes(width)] * (len(rows) % 2)
    return "".join(
        _COLOURS
        + "".join(_BLOCKS[bool(up), bool(low)] for up, low in zip(upper, lower, strict=True))
        + _RESET
        + "\n"
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    )


def show_qr_code(link: str, stream: TextIO) -> None:
    """Write the QR code of ``link`` to ``stream`` if that is a terminal which can show it."""
    if not stream.isatty():
        return
    try:
        "".join(_BLOCKS.values()).encode(stream.encoding)
    except UnicodeEncodeError:
        return
    columns = os.get_terminal_size(stream.fileno()).columns or UNKNOWN_COLUMNS
    if code := qr_code(link, columns):
        stream.write(code)
        stream.flush()


def main() -> None:
    """Draw the link on standard input, where standard output is a terminal."""
    show_qr_code(sys.stdin.read(MAX_LINK_CHARS + 1).strip(), sys.stdout)


if __name__ == "__main__":
    main()
