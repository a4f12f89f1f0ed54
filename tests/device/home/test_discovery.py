from dataclasses import replace

import msgspec
import pytest

from device.home.discovery import DeviceDescription, discovery_document, without
from device.home.topics import Topics, slug

FULL = DeviceDescription(
    device_id="abc",
    name="Vorne/links +#",
    board="Raspberry Pi 5",
    model="ssdlite_mobilenet_v2",
    classes=["person", "traffic light", "猫"],
    zones=["till 1", "door"],
    queues=["till 1"],
    lines=["gate"],
    rules=["crowd"],
    variants=["int8", "float32"],
    has_events=True,
)


def document(about=FULL, prefix="homeassistant"):
    return discovery_document(about, Topics(about.device_id, prefix))


def test_entities_are_those_of_classes_zones_lines_rules_machine_and_controls():
    components = document()["components"]
    assert {key.split("_")[0] for key in components} == {
        "class", "zone", "line", "rule", "events", "camera", "fps", "temperature", "throttled",
        "threshold", "paused", "variant",
    }  # fmt: skip
    assert components["class_traffic_light_occupancy"]["platform"] == "binary_sensor"
    assert components["zone_till_1_wait"]["device_class"] == "duration"
    assert "zone_door_wait" not in components
    assert components["variant"]["options"] == ["int8", "float32"]
    assert components["threshold"]["command_topic"] == "liteberry/abc/threshold/set"


def test_ids_are_unique_and_do_not_depend_on_the_name():
    def ids(about):
        return [item["unique_id"] for item in document(about)["components"].values()]

    assert len(set(ids(FULL))) == len(ids(FULL))
    assert ids(FULL) == ids(replace(FULL, name="other"))


def test_what_the_camera_shows_is_unknown_without_it_and_controls_are_not():
    components = document()["components"]
    topics = [item["topic"] for item in components["class_person_count"]["availability"]]
    assert topics == ["liteberry/abc/availability", "liteberry/abc/camera"]
    assert components["class_person_count"]["availability_mode"] == "all"
    assert [item["topic"] for item in components["threshold"]["availability"]] == topics[:1]
    assert [item["topic"] for item in components["class_person_picture"]["availability"]] == (
        topics[:1]
    )


def test_names_for_people_stay_as_they_are_and_topics_have_no_wildcards():
    found = document()
    assert found["device"]["name"] == "Vorne/links +#"
    assert found["components"]["class_traffic_light_count"]["name"] == "traffic light count"
    for component in found["components"].values():
        for key, value in component.items():
            if key.endswith("_topic"):
                assert not set(value) & set("+# ")


def test_single_variant_and_no_pictures_have_no_entities():
    about = DeviceDescription(
        device_id="abc", name="a", board="b", model="m", classes=["cup"], variants=["int8"],
        pictures=False,
    )  # fmt: skip
    assert set(document(about)["components"]) == {
        "class_cup_occupancy", "class_cup_count", "camera", "fps", "temperature", "throttled",
        "threshold", "paused",
    }  # fmt: skip


def test_entity_that_only_an_earlier_document_has_is_removed():
    earlier = msgspec.json.encode(document())
    now = document(replace(FULL, classes=["person", "traffic light"], lines=[]))
    removal = without(now, earlier)
    gone = {key: item for key, item in removal["components"].items() if len(item) == 1}
    assert gone["line_gate_in"] == {"platform": "sensor"}
    assert {key.rpartition("_")[0] for key in gone} == {"line_gate", f"class_{slug('猫')}"}
    assert removal["components"]["threshold"] == now["components"]["threshold"]


@pytest.mark.parametrize(
    "earlier",
    [
        *(b"", b"{", b"[]", b'{"components": 1}', b'{"components": {"a": {}}}', b"\xff"),
        b'{"\xff": 1}',
        pytest.param(b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}", id="deep"),
    ],
)
def test_earlier_document_that_is_none_removes_nothing(earlier):
    assert without(document(), earlier) is None


def test_same_document_removes_nothing():
    assert without(document(), msgspec.json.encode(document())) is None
