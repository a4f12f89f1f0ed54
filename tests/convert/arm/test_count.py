from __future__ import annotations

from pathlib import Path

import pytest

from convert.arm.count import FrameCount, count_frames, count_invoke, count_invokes
from convert.arm.layers import split_layers
from convert.quantization import flatbuffer
from device.bundle.bundle import Bundle
from device.errors import InterpreterError

pytestmark = pytest.mark.long

REPEATS_WITHIN = 16  # instructions


@pytest.fixture(scope="module")
def convolution(bundle_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first convolution of the int8 variant, a model of its own."""
    layers = split_layers((bundle_dir / "int8.tflite").read_bytes())
    path = tmp_path_factory.mktemp("layers") / "convolution.tflite"
    path.write_bytes(next(layer.model for layer in layers if layer.operator == "CONV_2D"))
    return path


@pytest.fixture(scope="module")
def alone(convolution: Path, root: Path) -> int:
    """What the convolution takes on a Pi 5, counted in a process that counts nothing else."""
    return count_invoke(convolution, "cortex-a76")


def test_count_repeats_alone_and_in_company(
    convolution: Path, alone: int, tmp_path: Path, bundle_dir: Path
) -> None:
    broken, empty = tmp_path / "broken.tflite", tmp_path / "empty.tflite"
    broken.write_bytes(b"no model")
    graphless = flatbuffer.read(convolution.read_bytes())
    graphless.subgraphs = None  # LiteRT does not look before it leaps
    empty.write_bytes(flatbuffer.write(graphless))
    models = [bundle_dir / "int8.tflite", broken, empty, convolution]
    whole, refused, crashed, again = count_invokes(models, "cortex-a76")
    assert isinstance(refused, InterpreterError)
    assert "broken.tflite" in str(refused)
    assert isinstance(crashed, InterpreterError)
    assert "crashed (SIGSEGV)" in str(crashed)
    assert isinstance(again, int)
    assert abs(again - alone) <= REPEATS_WITHIN
    assert isinstance(whole, int)
    assert 100_000_000 < whole < 130_000_000
    assert whole > 10 * alone


def test_frame_repeats_and_is_more_than_its_invoke(bundle_dir: Path, root: Path) -> None:
    bundle = Bundle(bundle_dir)
    first, second = (count_frames(bundle, ["int8"], "cortex-a76")[0] for _ in range(2))
    assert isinstance(first, FrameCount)
    assert isinstance(second, FrameCount)
    for stage in ("preprocess", "invoke", "decode"):
        assert abs(getattr(first, stage) - getattr(second, stage)) <= REPEATS_WITHIN
    assert first.frame == first.preprocess + first.invoke + first.decode
    assert min(first.preprocess, first.decode) > 100_000


def test_dot_products_of_a_pi_5_spare_instructions(convolution: Path, alone: int) -> None:
    assert alone < 0.7 * count_invoke(convolution, "cortex-a72")
