"""How far int8 is from float32 by each way of fitting it, on the validation images of a dataset.

    python benchmarks/int8_methods.py build/trained/raccoon ../shared/data/own/raccoon

makes int8 anew of the float32 of a trained bundle, calibrated on training images, and compares
what both answer: the output error of `python -m convert tune`, 0 being float32 itself.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from convert.build.build import MAX_BIAS_IMAGES  # noqa: E402
from convert.build.trained import CALIBRATION_IMAGES, spread  # noqa: E402
from convert.calibration.images import CalibrationInputs  # noqa: E402
from convert.quantization.quantize import best_int8  # noqa: E402
from convert.quantization.recipe import HURRIED, TRAINED, USUAL, Recipe  # noqa: E402
from convert.training.dataset import read_dataset  # noqa: E402
from convert.tuning.output_error import OutputError  # noqa: E402
from device.bundle.bundle import Bundle  # noqa: E402
from device.bundle.decoder_rules import SsdRule  # noqa: E402


def main() -> None:
    """Print a line per way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="a bundle that was trained on the dataset")
    parser.add_argument("dataset", type=Path)
    args = parser.parse_args()
    split = read_dataset(args.dataset, 0, lambda _: None)
    bundle = Bundle(args.bundle)
    manifest, variant = bundle.manifest, bundle.variant("float32")
    float32 = bundle.file(variant.file)
    inputs = CalibrationInputs(manifest.input, "image")
    seen = inputs.dataset([image.path for image in spread(split.train, CALIBRATION_IMAGES)])
    unseen = inputs.dataset([image.path for image in split.validation])
    judged = np.concatenate([item["image"] for item in unseen()])
    error = OutputError(float32, variant.heads, manifest.decoder, judged)
    for name, method in (("mean", USUAL), ("widest", HURRIED), ("second order", TRAINED)):
        recipe = Recipe(
            precision="int8",
            calibration_pictures=CALIBRATION_IMAGES,
            bias_pictures=MAX_BIAS_IMAGES,
            int8=method,
        )
        made = best_int8(
            float32.read_bytes(),
            recipe,
            seen,
            manifest.input.value_range,
            isinstance(manifest.decoder, SsdRule) and manifest.decoder.score == "logit",
        )
        assert made is not None, "a trained network is one that is known"
        print(f"{name:<13} {error(made):.4f} on {len(judged)} validation images", flush=True)


if __name__ == "__main__":
    main()
