import threading

import pytest

from device.system.frame_queue import Handover


def test_full_handover_makes_the_putting_thread_wait_and_loses_nothing():
    handover = Handover(1)
    taken = []

    def produce():
        for number in range(50):
            handover.put(number)
        handover.close()

    thread = threading.Thread(target=produce)
    thread.start()
    while (item := handover.get()) is not None:
        taken.append(item)
    thread.join()
    assert taken == list(range(50))
    assert handover.dropped == 0


def test_newest_replaces_what_was_not_taken_and_counts_it():
    handover = Handover(1, newest=True)
    for number in range(1, 6):
        assert handover.put(number)
    assert handover.dropped == 4
    assert handover.get() == 5


def test_close_wakes_both_sides():
    empty, full = Handover(1), Handover(1)
    full.put(1)
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(empty.get())),
        threading.Thread(target=lambda: results.append(full.put(2))),
    ]
    for thread in threads:
        thread.start()
    empty.close()
    full.close()
    for thread in threads:
        thread.join(10)
    assert sorted(map(str, results)) == ["False", "None"]


def test_error_comes_after_the_items_before_it_and_the_first_counts():
    handover = Handover(2)
    handover.put(1)
    handover.close(ValueError("first"))
    handover.close(ValueError("second"))
    assert handover.get() == 1
    with pytest.raises(ValueError, match="first"):
        handover.get()


def test_handover_says_which_side_would_wait():
    handover = Handover(1)
    assert handover.get_waits
    assert not handover.put_waits
    handover.put("item")
    assert not handover.get_waits
    assert handover.put_waits
    handover.close()
    assert not handover.put_waits
    assert handover.is_closed
    handover.get()
    assert not handover.get_waits


def test_newest_never_makes_the_putting_thread_wait():
    handover = Handover(1, newest=True)
    handover.put("item")
    assert not handover.put_waits


def test_every_change_is_told():
    told = []
    handover = Handover(1)
    handover.on_change = lambda: told.append((handover.get_waits, handover.is_closed))
    handover.put("item")
    handover.get()
    handover.close()
    assert told == [(False, False), (True, False), (False, True)]


def test_room_is_waited_for_until_the_item_is_taken_or_nothing_more_is():
    handover = Handover(1)
    assert handover.wait_for_room()
    handover.put("item")
    results = []
    thread = threading.Thread(target=lambda: results.append(handover.wait_for_room()))
    thread.start()
    assert handover.get() == "item"
    thread.join(10)
    assert results == [True]
    handover.put("last")
    handover.close()
    assert not handover.wait_for_room()
