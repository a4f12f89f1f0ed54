"""One function with constants converts to the file that Keras's own export converts to."""

from __future__ import annotations

import numpy as np
import pytest

from convert.quantization.quantize import quantize
from convert.quantization.recipe import Recipe
from device.inference.interpreter import Interpreter

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

from convert.models.freeze import Frozen, before_softmax  # noqa: E402

SIZE_HW = (32, 32)
NOISE = np.random.default_rng(0).uniform(-1, 1, (1, *SIZE_HW, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    image = keras.Input((*SIZE_HW, 3))
    x = keras.layers.Conv2D(8, 3, 2, padding="same", activation="relu")(image)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(5, activation="softmax", name="classes")(x))


@pytest.fixture
def frozen(model):
    return Frozen(lambda image: {"scores": model(image, training=False)}, SIZE_HW)


def answer(data, path):
    path.write_bytes(data)
    interpreter = Interpreter("litert", path, threads=1)
    interpreter.input_tensor()[:] = NOISE
    interpreter.invoke()
    return interpreter.output_tensors()[0].copy()


def test_it_answers_as_the_model_and_knows_its_size(frozen, model):
    expected = model(NOISE, training=False).numpy()
    assert frozen(NOISE)["scores"] == pytest.approx(expected, abs=1e-6)
    assert frozen.parameters == model.count_params()


def test_files_compute_what_those_of_the_converter_compute(frozen, model, tmp_path):
    frozen.save(tmp_path / "frozen")
    model.export(tmp_path / "keras", verbose=False)
    bare = tf.lite.TFLiteConverter.from_saved_model(str(tmp_path / "keras"))
    as_exported = bare.convert()
    bare.optimizations = [tf.lite.Optimize.DEFAULT]
    bare.target_spec.supported_types = [tf.float16]
    expected = {"float32": as_exported, "float16": bare.convert()}

    def nothing():
        yield from ()

    float32 = quantize(tmp_path / "frozen", Recipe(precision="float32"), nothing)
    found = {
        "float32": float32,
        "float16": quantize(tmp_path / "frozen", Recipe(precision="float16"), nothing, float32),
    }
    for precision, data in found.items():
        ours = answer(data, tmp_path / f"{precision}.tflite")
        bares = answer(expected[precision], tmp_path / f"bare_{precision}.tflite")
        assert np.array_equal(ours, bares)


def test_softmax_is_seen_through(frozen):
    logits = before_softmax(frozen.outputs["scores"])
    assert logits is not None
    assert before_softmax(logits) is None
    probabilities = frozen(NOISE)["scores"]
    frozen.outputs = {"scores": logits}
    powers = np.exp(frozen(NOISE)["scores"])
    assert powers / powers.sum() == pytest.approx(probabilities, abs=1e-6)
