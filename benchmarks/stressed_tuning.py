"""How much `convert tune` wins back where int8 spoils a network: one scale per tensor of weights.

    python benchmarks/stressed_tuning.py BUNDLE --images DIR --annotations PATH [--max-drop POINTS]

BUNDLE's own int8, a scale per channel, loses little. Some accelerators only know a scale per
tensor: that int8 is made here, its biases corrected, and tuned with the same restriction. Both are
measured against float32, what was tuned on pictures that its search had not seen. BUNDLE stays as
it is. Takes as long as a search of `convert tune`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from convert.calibration.images import CalibrationInputs, calibration_images  # noqa: E402
from convert.quantization.candidate_spec import CandidateSpec  # noqa: E402
from convert.quantization.candidates import CandidateMaker, stack_inputs  # noqa: E402
from convert.reference import REFERENCE_VARIANT  # noqa: E402
from convert.tuning.half_search import CALIBRATED_ON  # noqa: E402
from convert.tuning.selection import interval_text, tell  # noqa: E402
from convert.tuning.tuner import Tuner  # noqa: E402
from convert.tuning.types import Options  # noqa: E402
from device.bundle.bundle import Bundle  # noqa: E402


def int8_per_tensor(bundle: Bundle, folder: Path, seed: int) -> bytes:
    """int8 throughout, one scale per tensor, calibrated on some pictures of ``folder``."""
    drawn = calibration_images(folder, CALIBRATED_ON, seed, print)
    rule = bundle.manifest.input
    maker = CandidateMaker(
        bundle.file(bundle.variant(REFERENCE_VARIANT).file).read_bytes(),
        stack_inputs(list(CalibrationInputs(rule, "image").dataset(drawn)())),
        rule.value_range,
        "tensor",
    )
    return maker.make(CandidateSpec())


def main() -> None:
    """Measure, print, and write ``--json``."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("--images", type=Path, required=True, action="append", metavar="DIR")
    parser.add_argument("--annotations", type=Path, required=True, action="append", metavar="PATH")
    parser.add_argument("--max-drop", type=float, default=0.4, metavar="POINTS")
    parser.add_argument("--target", choices=("here", "pi4", "pi5"), default="here")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE")
    args = parser.parse_args()
    bundle = Bundle(args.bundle)
    sets = list(zip(args.images, args.annotations, strict=True))
    options = Options(args.max_drop, target=args.target, seed=args.seed, granularity="tensor")
    with tempfile.TemporaryDirectory(prefix="liteberry-") as scratch:
        int8 = int8_per_tensor(bundle, args.images[0], args.seed)
        tuner = Tuner(bundle, sets, options, Path(scratch), print, int8)
        outcome = tuner.run()
    assert outcome.kept is not None
    won = 1 - outcome.drop / outcome.base_drop
    print(
        f"int8, a scale per tensor  loses {outcome.base_drop:.2f} points of {outcome.metric} "
        f"{interval_text(outcome.base_interval)}\n"
        f"tuned                     loses {outcome.drop:.2f} {interval_text(outcome.interval)} on "
        f"pictures its searches had not seen: {won:.0%} won back\n"
        f"kept                      {outcome.kept.size_bytes / 1e6:.2f} MB, {tell(outcome.kept)}"
    )
    if args.json:
        figures = {
            "int8_drop_points": outcome.base_drop,
            "tuned_drop_points": outcome.drop,
            "won_back": won,
            "cost_of_int8": outcome.kept.cost,
            "cost": outcome.unit,
            "size_bytes": outcome.kept.size_bytes,
        }
        args.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
