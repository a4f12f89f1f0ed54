"""The commands of a page, for tests that run them as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import device.cli
from tests.conftest import ROOT


class Page:
    """A page of docs/: its fenced blocks, and its commands."""

    def __init__(self, name: str) -> None:
        self.text = (ROOT / "docs" / name).read_text("utf-8")

    def blocks(self, kind: str) -> list[str]:
        """What stands between the fences of that kind, such as ``toml``."""
        return re.findall(rf"^```{kind}\n(.*?)^```", self.text, re.MULTILINE | re.DOTALL)

    @property
    def commands(self) -> list[str]:
        """The lines of all blocks of commands."""
        blocks = [*self.blocks("sh"), *self.blocks("bash")]
        return [line for block in blocks for line in block.splitlines()]

    def commands_of(self, beginning: str) -> list[str]:
        """Those that begin so, in blocks or, between backticks, in running text."""
        # A command in running text may be broken across lines.
        running = re.sub(r"^```.*?^```", "", self.text, flags=re.MULTILINE | re.DOTALL)
        inline = [" ".join(text.split()) for text in re.findall(r"`([^`]+)`", running)]
        return [line for line in [*self.commands, *inline] if line.startswith(beginning)]

    def command(self, beginning: str) -> str:
        """The one that begins so."""
        (found,) = self.commands_of(beginning)
        return found


def assert_settings_are_understood(settings: str, folder: Path) -> None:
    """A block of settings.toml is one that `detect` takes; ``folder`` is for the file."""
    file = folder / "settings.toml"
    file.write_text(settings)
    words = ["detect", "bundle", "--source", "demo", "--config", str(file)]
    device.cli.make_parser().parse_args(words)
