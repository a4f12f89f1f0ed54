"""Files as TensorFlow's converter writes them for others: the device understands them."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest

from convert.output_capture import quiet
from device.bundle.hints import Hints
from device.errors import ModelError
from device.inference.engine import Engine
from device.inspection import recognition as module
from device.inspection.recognition import recognise
from device.inspection.trial_run import ExamineRequest, answer
from device.records import Frame

COLOURS_BGR = {"red": (0, 0, 255), "green": (0, 255, 0), "blue": (255, 0, 0)}
SIDE = 32


@pytest.fixture(scope="module")
def tf():
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet(False):
        import tensorflow

        yield tensorflow


@pytest.fixture(autouse=True)
def here(monkeypatch):
    """Examine models in this process: the same code, without a second to start a child."""

    def examine(path, interpreter, hints, delegate=None):
        return answer(ExamineRequest(model=str(path), interpreter=interpreter, hints=hints))

    monkeypatch.setattr(module, "examine", examine)


def network(tf, *, side=SIDE, inside=None, softmax=True):
    """Mean red, green and blue through a convolution wide enough to be quantised."""
    keras = tf.keras
    kernel = np.zeros((3, 3, 3, 64), np.float32)
    kernel[1, 1, :, :3] = np.eye(3)
    pick = np.zeros((64, 3), np.float32)
    pick[:3] = 10 * np.eye(3)
    image = keras.Input((side, side, 3), batch_size=1 if side else None)
    values = image if inside is None else inside(image)
    conv, dense = keras.layers.Conv2D(64, 3, padding="same"), keras.layers.Dense(3)
    values = keras.layers.GlobalAveragePooling2D()(conv(values))
    scores = dense(values)
    conv.set_weights([kernel, np.zeros(64, np.float32)])
    dense.set_weights([pick, np.zeros(3, np.float32)])
    if softmax:
        scores = keras.layers.Softmax()(scores)
    return keras.Model(image, scores)


def converter(tf, model):
    return tf.lite.TFLiteConverter.from_keras_model(model)


def float32(tf):
    return converter(tf, network(tf))


def any_size(tf):
    return converter(tf, network(tf, side=None))


def float16(tf):
    made = float32(tf)
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    made.target_spec.supported_types = [tf.float16]
    return made


def dynamic(tf):
    made = float32(tf)
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    return made


def int8(tf, dtype="int8"):
    made = dynamic(tf)

    def images():
        for bgr in COLOURS_BGR.values():
            rgb = np.array(bgr[::-1], np.float32) / 127.5 - 1
            yield [np.broadcast_to(rgb, (1, SIDE, SIDE, 3)).astype(np.float32)]

    made.representative_dataset = images
    made.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    made.inference_input_type = made.inference_output_type = getattr(tf, dtype)
    return made


def uint8(tf):
    return int8(tf, "uint8")


def normalises_itself(tf):
    return converter(tf, network(tf, inside=tf.keras.layers.Rescaling(1 / 127.5, offset=-1)))


def planes_and_logits(tf):
    channels_last = network(tf, softmax=False)
    planes = tf.keras.Input((3, SIDE, SIDE), batch_size=1)
    image = tf.keras.layers.Permute((2, 3, 1))(planes)
    return converter(tf, tf.keras.Model(planes, channels_last(image)))


# name -> how it is made, what it contains, what is guessed of it
KINDS = {
    "float32": (float32, "float32", 1),
    "any size": (any_size, "float32", 2),
    "float16": (float16, "float16", 1),
    "dynamic": (dynamic, "dynamic", 1),
    "int8": (int8, "int8", 0),
    "uint8": (uint8, "int8", 0),
    "normalises itself": (normalises_itself, "float32", 0),
    "planes and logits": (planes_and_logits, "float32", 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_classifier_from_the_converter_names_the_colour_it_sees(tf, tmp_path, kind):
    make, contents, guesses = KINDS[kind]
    with quiet(False), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converter's own
        data = make(tf).convert()
    (tmp_path / "model.tflite").write_bytes(data)
    (tmp_path / "labels.txt").write_text("red\ngreen\nblue\n")
    model = recognise(tmp_path / "model.tflite", Hints(labels=str(tmp_path / "labels.txt")))
    assert model.manifest.task == "classification"
    assert model.default_variant == contents
    assert len(model.guesses) == guesses, model.guesses
    with Engine(model, threads=1) as engine:
        for colour, bgr in COLOURS_BGR.items():
            pixels = np.full((48, 64, 3), bgr, np.uint8)
            best = engine.run(Frame(pixels, 0, 0.0)).classes[0]
            assert best.label == colour
            assert best.score > 0.99


def test_segmentation_from_the_converter_is_refused(tf, tmp_path):
    with quiet(False):
        image = tf.keras.Input((SIDE, SIDE, 3), batch_size=1)
        scores = tf.keras.layers.Conv2D(21, 1, activation="softmax")(image)
        data = converter(tf, tf.keras.Model(image, scores)).convert()
    (tmp_path / "model.tflite").write_bytes(data)
    with pytest.raises(
        ModelError, match=r"segmentation model, as DeepLab: 21 .* float32 \(1, 32, 32, 21\)"
    ):
        recognise(tmp_path / "model.tflite")
