"""What each way to a cheaper network gives: `python benchmarks/techniques.py OUT ...`.

    python benchmarks/techniques.py OUT --images DIR --annotations JSON [--unlabelled DIR]

builds the default network in each way into a bundle of its own in OUT (those that are there
already are taken), and prints a table: size of the file, what it packs into, Arm instructions of
an invoke in millions, time of an invoke here as a multiple of int8's, mAP with the interval of 95 %
of resamples, minutes it took to make. The ways that train learn from
--unlabelled pictures alone; without them they are left out.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from convert.arm.count import count_invokes
from convert.arm.root import missing_tools
from convert.evaluation.accuracy import Accuracy, VariantAccuracy
from convert.tuning.cost import Latency
from device.errors import InterpreterError

ROOT = Path(__file__).parents[1]
PACKED = 6  # zlib's level, as ssh -C has it
WHOLE = "whole"
EPOCHS = "1"


@dataclass(frozen=True, slots=True)
class Technique:
    """A way to a cheaper network: the words of the command that takes it."""

    name: str
    words: tuple[str, ...]
    variant: str = "int8"
    bundle: str = ""  # that has it already

    @property
    def trains(self) -> bool:
        """Whether it wants pictures to learn from."""
        return self.words[:1] == ("slim",)


def slimmed(*words: str) -> tuple[str, ...]:
    """The words of a search that ends after one network."""
    return ("slim", WHOLE, "--epochs", EPOCHS, *words)


TECHNIQUES = (
    Technique("float32", (), "float32", bundle=WHOLE),
    Technique("int8", ("build", "--variants", "float32,int8"), bundle=WHOLE),
    Technique("64 clusters a layer", ("build", "--variants", "int8", "--weight-clusters", "64")),
    Technique("32 clusters a layer", ("build", "--variants", "int8", "--weight-clusters", "32")),
    Technique("16 clusters a layer", ("build", "--variants", "int8", "--weight-clusters", "16")),
    Technique("weights of 4 bits", ("build", "--variants", "int8", "--int4")),
    Technique(
        "low rank, 0.05 left out", slimmed("--size", "300", "--low-rank", "0.05", "--cost", "0.93")
    ),
    Technique("236 pixels", slimmed("--size", "236", "--cost", "0.63")),
    Technique("channels, 0.8 of the cost", slimmed("--size", "300", "--cost", "0.8")),
)


def convert(words: tuple[str, ...]) -> None:
    """Run ``convert`` with ``words``, which fails as it does."""
    subprocess.run([sys.executable, "-m", "convert", *words], cwd=ROOT, check=True)


def folder_of(technique: Technique, out: Path) -> Path:
    """Where its bundle is."""
    return out / (technique.bundle or "-".join(technique.name.replace(",", "").split()))


def make(technique: Technique, out: Path, unlabelled: Path | None) -> float | None:
    """Make its bundle where it is not there yet; returns the minutes that it once took."""
    folder = folder_of(technique, out)
    took = folder.with_name(folder.name + ".minutes")
    if not technique.words:
        return None
    if not took.exists():  # written last
        command, *words = (str(out / WHOLE) if word == WHOLE else word for word in technique.words)
        pictures = ["--images", str(unlabelled)] if technique.trains else []
        started = time.monotonic()
        convert((command, *words, *pictures, "--out", str(folder)))
        took.write_text(f"{(time.monotonic() - started) / 60:.1f}\n")
    return float(took.read_text())


def accuracy(folder: Path, arguments: argparse.Namespace) -> Mapping[str, VariantAccuracy]:
    """The figures of `convert evaluate` for the variants of the bundle at ``folder``."""
    written = folder.with_name(folder.name + ".accuracy.json")
    if not written.exists():
        sets = [word for path in arguments.images for word in ("--images", str(path))]
        sets += [word for path in arguments.annotations for word in ("--annotations", str(path))]
        convert(("evaluate", str(folder), *sets, "--json", str(written)))
    return msgspec.json.decode(written.read_bytes(), type=Accuracy).variants


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--images", type=Path, action="append", required=True)
    parser.add_argument("--annotations", type=Path, action="append", required=True)
    parser.add_argument("--unlabelled", type=Path)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    techniques = [
        item for item in TECHNIQUES if arguments.unlabelled is not None or not item.trains
    ]
    order = sorted(techniques, key=lambda item: not item.words)  # float32 comes with int8
    minutes = {item.name: make(item, arguments.out, arguments.unlabelled) for item in order}
    files = [folder_of(item, arguments.out) / f"{item.variant}.tflite" for item in techniques]
    counts: dict[str, list[int | InterpreterError]] = {"A72": [], "A76": []}
    if not missing_tools():
        counts["A72"] += count_invokes(files, "cortex-a72")
        counts["A76"] += count_invokes(files, "cortex-a76")
    whole = (arguments.out / WHOLE / "int8.tflite").read_bytes()
    times = Latency(whole).confirm([path.read_bytes() for path in files])
    print("| technique | MB | packed | A72 | A76 | time | mAP | 95 % | minutes |")
    for number, (item, file) in enumerate(zip(techniques, files, strict=True)):
        data, found = file.read_bytes(), accuracy(file.parent, arguments)[item.variant]
        least, most = found.map_interval or (0.0, 0.0)
        counted = [told(column[number]) if column else "" for column in counts.values()]
        print(
            f"| {item.name} | {len(data) / 1e6:.2f} | {len(zlib.compress(data, PACKED)) / 1e6:.2f}",
            *(f"| {words}" for words in counted),
            f"| {times[number]:.2f} | {found.map:.4f} | {least:.4f} to {most:.4f}",
            f"| {minutes[item.name] or ''} |",
        )


def told(counted: int | InterpreterError) -> str:
    """Millions of instructions; ``refused`` where the interpreter there takes no such file."""
    return f"{counted / 1e6:.1f}" if isinstance(counted, int) else "refused"


if __name__ == "__main__":
    main()
