"""Small models of three classes, as users have them."""

from __future__ import annotations

from convert.models.keras_applications import ClassifierOptions

SMALL = ("--alpha", "0.35", "--size", "96")


MODELS = """
import sys
from pathlib import Path
import keras
from convert.models.keras_applications import _enliven

folder = Path(sys.argv[1])
keras.utils.set_random_seed(1)
model = keras.applications.MobileNetV2((96, 96, 3), alpha=0.35, weights=None, classes=3)
_enliven(model, 96)
model.save(folder / "plain.keras")
model.save(folder / "plain.h5")
model.save_weights(folder / "three.weights.h5")

# Keras 2 wrote the same file, but for a setting of every depthwise layer that Keras 3 refuses.
import json, shutil
import h5py
shutil.copy(folder / "plain.h5", folder / "keras2.h5")
with h5py.File(folder / "keras2.h5", "r+") as file:
    config = json.loads(file.attrs["model_config"])
    for layer in config["config"]["layers"]:
        if layer["class_name"] == "DepthwiseConv2D":
            layer["config"]["groups"] = 1
            for name in ("module", "registered_name"):
                layer.pop(name, None)
    file.attrs["model_config"] = json.dumps(config)
model.export(folder / "saved", verbose=False)
inputs = keras.Input((96, 96, 3))
scaled = keras.layers.Rescaling(1 / 127.5, -1)(inputs)
keras.Model(inputs, model(scaled)).save(folder / "scaling.keras")
half = keras.layers.Conv2D(3, 3, dtype="mixed_float16")(inputs)
keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(half)).save(folder / "half.keras")
"""


def options(models, **given):
    return ClassifierOptions(labels=models / "labels.txt", **given)
