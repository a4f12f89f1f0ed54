from __future__ import annotations

import re

import pytest

from convert.catalogue import catalogue
from convert.models.zoo import DEFAULT, MODELS, NpmPackage, WebFolder, find_model
from device.errors import UsageError


def test_default_is_a_model_of_the_zoo():
    assert find_model(DEFAULT).name == DEFAULT


def test_unknown_name_lists_what_there_is():
    with pytest.raises(UsageError, match=r"no model 'yolo'.*it has: ssdlite_mobilenet_v2"):
        find_model("yolo")


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_every_file_has_a_sha256_and_every_model_labels_and_a_second_source(model):
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in model.files.values())
    assert model.labels in catalogue().labels
    assert len(model.sources) >= 2


@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_urls_are_safe_and_end_where_a_file_name_follows(model):
    urls = [source.url for source in model.sources if isinstance(source, WebFolder)]
    assert all(url.startswith("https://") and url.endswith("/") for url in urls)


def test_sources_are_told_as_a_person_finds_them():
    assert str(WebFolder("https://example.org/net/")) == "https://example.org/net/"
    assert str(NpmPackage("coco", "1.2.3", "models")) == "npm package coco 1.2.3"
