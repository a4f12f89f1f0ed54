"""What box voting gives a detector: accuracy with it and without, on the same pictures.

    python benchmarks/box_voting.py build/ssdlite_mobilenet_v2 --images DIR --annotations FILE

evaluates two copies of the bundle, one that has each box from the best candidate alone, one from
all that agree with it (`vote` in device/inference/candidates.py). `--images` and `--annotations`
may be repeated to pool sets.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from convert.evaluation.accuracy import format_accuracy  # noqa: E402
from convert.evaluation.evaluate import evaluate_bundle  # noqa: E402


def copied(bundle: Path, folder: Path, voting: bool) -> Path:
    """A copy of ``bundle`` that votes on boxes, or does not."""
    shutil.copytree(bundle, folder)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    if manifest["decoder"]["type"] != "ssd":
        raise SystemExit(f"{bundle} has no anchors that could vote on a box")
    manifest["decoder"]["box_voting"] = voting
    path.write_text(json.dumps(manifest))
    return folder


def main() -> None:
    """Print what `convert evaluate` says of both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="a detector of ours")
    parser.add_argument("--images", type=Path, action="append", required=True)
    parser.add_argument("--annotations", type=Path, action="append", required=True)
    parser.add_argument("--variant", default="int8")
    args = parser.parse_args()
    sets = list(zip(args.images, args.annotations, strict=True))
    with tempfile.TemporaryDirectory(prefix="liteberry-") as folder:
        for name, voting in (("best candidate alone", False), ("box voting", True)):
            bundle = copied(args.bundle, Path(folder) / name.replace(" ", "-"), voting)
            accuracy = evaluate_bundle(bundle, sets, [args.variant], "auto", print)
            print(f"{name}\n{format_accuracy(accuracy)}", flush=True)


if __name__ == "__main__":
    main()
