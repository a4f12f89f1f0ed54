from __future__ import annotations

import msgspec
import pytest

from device.schema import Count, Fraction, Index, Record


class Example(Record, frozen=True):
    count: Count = 1
    index: Index = 0
    fraction: Fraction = 1.0


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"count": 0}', "`int` >= 1 - at `$.count`"),
        ('{"count": 1.5}', "Expected `int`, got `float` - at `$.count`"),
        ('{"index": -1}', "`int` >= 0 - at `$.index`"),
        ('{"fraction": 0}', "> 0.0 - at `$.fraction`"),
        ('{"fraction": 1.01}', "<= 1.0 - at `$.fraction`"),
        ('{"other": 1}', "unknown field `other`"),
    ],
)
def test_value_that_does_not_fit_is_refused_with_its_place(text, complaint):
    with pytest.raises(msgspec.ValidationError, match=r"Expected|unknown") as caught:
        msgspec.json.decode(text, type=Example)
    assert complaint in str(caught.value)


def test_limits_themselves_fit():
    assert msgspec.json.decode('{"count": 1, "index": 0, "fraction": 1}', type=Example) == Example()


def test_record_cannot_be_changed():
    with pytest.raises(AttributeError):
        Example().count = 2
