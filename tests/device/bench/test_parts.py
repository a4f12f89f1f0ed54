from __future__ import annotations

import re

import pytest

from device.bench import parts
from tests.device.bench.conftest import make_failure, make_result


def test_part_without_results_is_left_out():
    assert parts.latency([]) == ""


def test_fastest_is_the_one_with_the_accent():
    slow = make_result(((9.0, 9.1), (9.0, 9.2)), variant="float32")
    quick = make_result(((2.0, 2.1), (2.0, 2.2)))
    one, other = (parts._times_row(item, item.rounds_ms, item is quick) for item in (slow, quick))
    assert (one.accent, other.accent) == (False, True)


def test_latency_has_a_row_of_figures_per_combination():
    html = parts.latency([make_result(((2.0, 2.0), (2.0, 2.0)))])
    row = html[html.index('<th scope="row">') :]
    assert "int8 in litert, 1 thread" in row
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", row)
    assert cells[:4] == ["9.0", "30.0", "8.0", "2.00"]


@pytest.mark.parametrize("error", ["refuses <dynamic>"])
def test_failure_is_told_with_its_reason_escaped(error):
    html = parts.failed([make_failure(error=error)])
    assert "refuses &lt;dynamic&gt;" in html
    assert "<dynamic>" not in html
