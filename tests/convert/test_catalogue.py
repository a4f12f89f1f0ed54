import pytest

from convert.catalogue import FOLDER, Photograph, Photographs, catalogue
from convert.errors import CalibrationError
from convert.models.zoo import MODELS
from device.bundle.hashes import sha256_of


def test_every_label_file_is_as_catalogued():
    for labels in catalogue().labels.values():
        assert sha256_of(FOLDER / labels.file) == labels.sha256


def test_every_photograph_is_installed_as_catalogued():
    for photographs in catalogue().calibration.values():
        for image in photographs.images:
            assert photographs.path(image).is_file()


def test_coco_labels_stand_at_their_official_ids():
    labels = catalogue().labels["coco"].read()
    assert len(labels) == 91
    assert (labels[0], labels[1], labels[12], labels[90]) == (
        "background",
        "person",
        "???",
        "toothbrush",
    )
    assert sum(label not in ("background", "???") for label in labels) == 80


def test_every_model_of_the_zoo_has_its_labels():
    for model in MODELS.values():
        assert model.labels in catalogue().labels


def test_another_picture_in_the_package_is_refused():
    image = Photograph(file="astronaut.png", title="", source="", licence="", sha256="0" * 64)
    photographs = Photographs(title="", package="skimage", folder="data", images=(image,))
    with pytest.raises(CalibrationError, match="not the picture"):
        photographs.path(image)
