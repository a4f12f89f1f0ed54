import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device.home.topics import Topics, name_topic, slug


@pytest.mark.parametrize(
    ("name", "expected"),
    [("person", "person"), ("traffic light", "traffic_light"), ("till 1", "till_1")],
)
def test_plain_name_stays_readable(name, expected):
    assert slug(name) == expected


@pytest.mark.parametrize("name", ["a/b", "+", "#", "$SYS", "front door/left +#", "\0\n", "猫", ""])
def test_no_character_that_means_something_gets_into_a_topic(name):
    assert re.fullmatch(r"[a-z0-9_]+", slug(name))


def test_name_in_another_alphabet_has_a_slug_of_its_own():
    assert slug("猫") != slug("犬")


def test_names_that_differ_in_what_is_lost_have_different_slugs():
    assert len({slug(name) for name in ("a b", "a/b", "a_b", "A b", "a+b", "ä b")}) == 6


@given(st.text(max_size=200), st.text(max_size=200))
def test_slug_is_safe_short_and_never_shared(one, other):
    assert re.fullmatch(r"[a-z0-9_]{1,64}", slug(one))
    assert (slug(one) == slug(other)) == (one == other)


def test_topics_of_a_device_stand_under_its_id():
    topics = Topics("abc", "homeassistant")
    assert topics.availability == "liteberry/abc/availability"
    assert topics.discovery == "homeassistant/device/liteberry_abc/config"
    assert topics.of_class("traffic light", "count") == "liteberry/abc/class/traffic_light/count"
    assert topics.command("threshold") == "liteberry/abc/threshold/set"
    assert topics.home_status == "homeassistant/status"
    assert name_topic("garden") == "liteberry/names/garden"
