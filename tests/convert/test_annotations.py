import json

import pytest

from convert.annotations import read_annotations
from convert.errors import EvaluationError

CATEGORIES = [{"id": 1, "name": "person"}, {"id": 17, "name": "cat"}]


@pytest.fixture
def make_set(tmp_path):
    def make(name, pictures, categories=CATEGORIES):
        folder = tmp_path / name
        folder.mkdir()
        for number, present in pictures.items():
            if present:
                (folder / f"{number}.jpg").write_bytes(b"x")
        content = {
            "info": {},
            "images": [{"id": n, "file_name": f"{n}.jpg", "width": 9} for n in pictures],
            "categories": categories,
            "annotations": [
                {"id": n, "image_id": n, "category_id": 1, "bbox": [0, 0, n, 2], "area": 2 * n}
                for n in pictures
            ],
        }
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(content))
        return folder, path

    return make


def test_pooled_sets_keep_pictures_with_the_same_id_apart(make_set):
    sets = [make_set("a", {7: True}), make_set("b", {7: True, 8: True})]
    pooled = read_annotations(sets, pytest.fail)
    assert [path.parent.name for path in pooled.pictures.values()] == ["a", "b", "b"]
    rows = pooled.truth.dataset["annotations"]
    assert [(row["id"], row["image_id"]) for row in rows] == [(1, 1), (2, 2), (3, 3)]
    assert pooled.category_ids == {"person": 1, "cat": 17}


def test_missing_pictures_are_counted_named_and_left_out(make_set):
    said = []
    pooled = read_annotations([make_set("a", {1: True, 2: False, 3: False})], said.append)
    assert len(pooled.pictures) == 1
    assert len(pooled.truth.dataset["annotations"]) == 1
    assert "2 pictures are not in" in said[0]
    assert "2.jpg" in said[0]


def test_no_picture_at_all_is_an_error(make_set):
    with pytest.raises(EvaluationError, match="check --images"):
        read_annotations([make_set("a", {1: False})], lambda _: None)


def test_categories_that_contradict_each_other_cannot_be_pooled(make_set):
    other = [{"id": 1, "name": "dog"}]
    with pytest.raises(EvaluationError, match="cannot be pooled"):
        read_annotations([make_set("a", {1: True}), make_set("b", {1: True}, other)], print)


@pytest.mark.parametrize("text", ["", "[1]", '{"images": []}', '{"images": 3'])
def test_what_is_not_coco_is_refused(tmp_path, text):
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(EvaluationError, match="not annotations in COCO's format"):
        read_annotations([(tmp_path, tmp_path / "bad.json")], print)
