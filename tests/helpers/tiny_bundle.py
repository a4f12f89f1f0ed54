"""A bundle of a network of five layers, made in seconds, that int8 spoils."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from convert.build.bundle_writer import hash_files, write_manifest
from convert.evaluation.variant_file import describe_like
from convert.output_capture import quiet
from convert.quantization import flatbuffer
from convert.quantization.candidate_spec import CandidateSpec
from convert.quantization.candidates import CandidateMaker
from device.bundle.decoder_rules import ClassifierRule
from device.bundle.heads import ClassifierHead
from device.bundle.manifest import FORMAT, InputRule, Manifest, Provenance, Sample, Variant
from device.inference.interpreter import Interpreter

SIDE, CLASSES, IMAGES = 32, 5, 32
RULE = InputRule(width=SIDE, height=SIDE, mean=127.5, std=127.5)


def float32_model() -> bytes:
    """Convolution, depthwise, convolution, mean and a dense layer; channels of unlike scale."""
    with quiet(debug=False):
        import tensorflow as tf

    draw = np.random.default_rng(1)
    scales = np.geomspace(0.02, 3.0, 8)  # what a scale per tensor cannot hold

    def weights(*shape):
        return tf.constant(draw.normal(0, 0.5, shape), tf.float32)

    first, middle, last = weights(3, 3, 3, 8), weights(3, 3, 8, 1), weights(1, 1, 8, 16)
    dense, bias = weights(16, CLASSES) * 4, weights(2, 8) / 5
    unlike = tf.constant(scales, tf.float32)

    class Net(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((1, SIDE, SIDE, 3), tf.float32)])
        def call(self, image):
            x = tf.nn.relu6(tf.nn.conv2d(image, first * unlike, 2, "SAME") + bias[0])
            x = tf.nn.relu6(tf.nn.depthwise_conv2d(x, middle, [1, 1, 1, 1], "SAME") + bias[1])
            x = tf.nn.relu6(tf.nn.conv2d(x, last, 1, "SAME"))
            return {"scores": tf.reduce_mean(x, [1, 2]) @ dense}

    net = Net()
    with quiet(debug=False):
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [net.call.get_concrete_function()], net
        )
        return bytes(converter.convert())


def write_images(folder: Path) -> None:
    """Gratings of many colours and widths."""
    folder.mkdir()
    draw = np.random.default_rng(2)
    for number in range(IMAGES):
        wave = np.sin(np.outer(np.ones(SIDE), np.arange(SIDE)) * draw.uniform(0.05, 1.5))
        image = 127 + 120 * wave[..., np.newaxis] * draw.uniform(-1, 1, 3)
        image = np.clip(image + draw.normal(0, 15, image.shape), 0, 255)
        cv2.imwrite(str(folder / f"{number:02}.png"), image.astype(np.uint8))


def pixels(folder: Path) -> np.ndarray:
    """The pictures as the network wants them."""
    images = [cv2.imread(str(path))[..., ::-1] for path in sorted(folder.glob("*.png"))]
    return (np.stack(images).astype(np.float32) - 127.5) / 127.5


def write_bundle(folder: Path, images: Path) -> None:
    """A bundle with float32 and an int8 that has one scale per tensor of weights."""
    (folder / "samples").mkdir(parents=True)
    (folder / "labels.txt").write_text("\n".join(f"class {n}" for n in range(CLASSES)) + "\n")
    sample = "samples/one.png"
    (folder / sample).write_bytes((images / "00.png").read_bytes())
    float32 = folder / "float32.tflite"
    float32.write_bytes(float32_model())
    maker = CandidateMaker(float32.read_bytes(), pixels(images)[:4], RULE.value_range, "tensor")
    (folder / "int8.tflite").write_bytes(maker.make(CandidateSpec(corrected=False)))
    interpreter = Interpreter("litert", float32, 1)
    like = Variant(
        file=float32.name,
        size_bytes=float32.stat().st_size,
        recipe={"precision": "float32"},
        operators=flatbuffer.operator_versions(flatbuffer.read(float32.read_bytes())),
        input=interpreter.input,
        heads=(ClassifierHead(scores=interpreter.outputs[0]),),
        checks={},
    )
    manifest = Manifest(
        format=FORMAT,
        model="tiny",
        task="classification",
        input=RULE,
        decoder=ClassifierRule(score="logit"),
        labels="labels.txt",
        threshold=0.1,
        max_detections=5,
        variants={
            "float32": like,
            "int8": describe_like(folder / "int8.tflite", float32, like).variant,
        },
        samples=(Sample(file=sample, title="one", licence="CC0", source="made"),),
        provenance=Provenance(
            source="",
            licence="CC0",
            made_at="",
            machine="",
            command="",
            seed=0,
            calibration=(),
            checked_on=1,
            versions={},
            weights_sha256={},
        ),
        files=hash_files(folder),
    )
    write_manifest(folder, manifest)
