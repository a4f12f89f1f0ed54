import cv2
import numpy as np
import pytest

from convert.calibration.checks import linted_images
from convert.calibration.images import CalibrationInputs, calibration_images
from convert.errors import CalibrationError
from convert.models.zoo import SSDLITE_MOBILENET_V2
from device.bundle.heads import TensorSpec
from device.bundle.manifest import InputRule
from device.images import read_image
from device.inference.preprocess import Preprocessor


@pytest.fixture
def folder(tmp_path, noise):
    for number in range(6):
        cv2.imwrite(str(tmp_path / f"{number}.png"), noise + number)
    return tmp_path


def test_default_is_the_catalogues_photographs():
    images = calibration_images(None, 100, 0, pytest.fail)
    assert [path.name for path in images][:2] == ["astronaut.png", "chelsea.png"]
    assert len(images) >= 8


def test_same_seed_draws_the_same_pictures_another_seed_others(folder):
    drawn = calibration_images(folder, 4, 1, pytest.fail)
    assert drawn == calibration_images(folder, 4, 1, pytest.fail)
    assert len(set(drawn)) == 4
    assert any(calibration_images(folder, 4, seed, pytest.fail) != drawn for seed in (2, 3))


def test_bad_picture_is_reported_and_another_taken(folder):
    (folder / "0.png").write_bytes(b"no picture")
    said = []
    assert len(calibration_images(folder, 5, 0, said.append)) == 5
    assert len(said) == 1
    assert "0.png" in said[0]


def test_hidden_and_other_files_are_counted_and_named(folder):
    (folder / ".0.png").write_bytes((folder / "0.png").read_bytes())
    (folder / "labels.txt").touch()
    said: list[str] = []
    assert len(calibration_images(folder, 100, 0, said.append)) == 6
    assert said == [f"{folder}: 6 pictures; passed over: 1 .txt, 1 hidden"]


def test_missing_folder_is_an_error(tmp_path):
    with pytest.raises(CalibrationError, match="no such folder"):
        calibration_images(tmp_path / "gone", 5, 0, pytest.fail)


def test_folder_without_pictures_is_an_error(tmp_path):
    with pytest.raises(CalibrationError, match="no pictures"):
        calibration_images(tmp_path, 5, 0, pytest.fail)


def test_dataset_gives_normalised_rgb(tmp_path):
    blue = np.zeros((40, 40, 3), np.uint8)
    blue[..., 0] = 255
    cv2.imwrite(str(tmp_path / "blue.png"), blue)
    calibration = CalibrationInputs(SSDLITE_MOBILENET_V2.input, "image")
    generate = calibration.dataset([tmp_path / "blue.png"])
    (inputs,) = list(generate())
    assert inputs["image"].shape == (1, 300, 300, 3)
    assert inputs["image"].dtype == np.float32
    assert inputs["image"][0, 7, 7].tolist() == [-1.0, -1.0, 1.0]
    assert len(list(generate())) == 1  # the converter may ask more than once


@pytest.mark.parametrize("resize", ["stretch", "centre-crop"])
def test_dataset_gives_what_the_camera_would(folder, resize):
    rule = InputRule(width=40, height=30, mean=127.5, std=127.5, resize=resize, crop_fraction=0.9)
    paths = sorted(folder.iterdir())
    dataset = CalibrationInputs(rule, "image").dataset(paths)
    for path, inputs in zip(paths, dataset(), strict=True):
        tensor = np.empty(rule.shape, np.float32)
        spec = TensorSpec(position=0, shape=rule.shape, dtype="float32")
        Preprocessor(rule, spec)(read_image(path), tensor)
        assert np.array_equal(inputs["image"], tensor)


@pytest.mark.parametrize("own", [True, False])
def test_each_picture_is_decoded_once_from_lint_to_bias_correction(folder, own, monkeypatch):
    decoded = []

    def counting(path):
        decoded.append(path)
        return read_image(path)

    monkeypatch.setattr("convert.calibration.images.read_image", counting)
    calibration = CalibrationInputs(SSDLITE_MOBILENET_V2.input, "image")
    images = linted_images(
        folder if own else None, 6, 0, SSDLITE_MOBILENET_V2.input, print, calibration.keep
    )
    for _ in range(3):  # ranges, outputs and biases
        assert len(list(calibration.dataset(images)())) == len(images) == 6
    assert sorted(decoded) == sorted(images)
