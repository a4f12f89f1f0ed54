from __future__ import annotations

import pytest

from device.visits.queue import REMEMBERED, ServiceRate


def serve(rate, service_s, times, waiting=2):
    for _ in range(times):
        rate.advance(service_s, waiting)
        rate.leave(dwell_s=60.0)


def test_wait_is_the_mean_service_of_all_before():
    rate = ServiceRate()
    for service_s in (10.0, 20.0, 30.0):
        serve(rate, service_s, 1)
    assert rate.wait_s(4) == pytest.approx(80.0)
    assert rate.wait_s(0) == 0.0


def test_nothing_is_expected_before_three_were_served():
    rate = ServiceRate()
    serve(rate, 10.0, 2)
    assert rate.wait_s(5) is None


def test_time_with_nobody_there_is_no_service():
    rate = ServiceRate()
    for _ in range(3):
        rate.advance(600.0, 0)
        serve(rate, 10.0, 1)
    assert rate.wait_s(1) == pytest.approx(10.0)


def test_who_walks_by_is_not_served():
    rate = ServiceRate()
    serve(rate, 10.0, 3)
    rate.advance(4.0, 2)
    rate.leave(dwell_s=1.0)
    rate.advance(6.0, 2)
    rate.leave(dwell_s=60.0)
    assert rate.wait_s(1) == pytest.approx(10.0)


def test_rate_of_long_ago_is_forgotten():
    rate = ServiceRate()
    serve(rate, 100.0, 5)
    serve(rate, 10.0, REMEMBERED)
    assert rate.wait_s(1) == pytest.approx(10.0)
