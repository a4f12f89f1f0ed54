from device.home.outbox import MAX_EVENTS, Outbox


def taken(outbox):
    found = []
    while state := outbox.take_state():
        found.append(state)
    return found


def test_state_is_sent_once_until_it_changes():
    outbox = Outbox()
    outbox.put_states({"a": b"1", "b": b"1"})
    assert taken(outbox) == [("a", b"1"), ("b", b"1")]
    outbox.put_states({"a": b"1", "b": b"2"})
    assert taken(outbox) == [("b", b"2")]


def test_newer_state_takes_the_place_of_one_that_waits():
    outbox = Outbox()
    for number in range(1000):
        outbox.put_states({"a": b"%d" % number})
    assert taken(outbox) == [("a", b"999")]


def test_state_that_is_again_what_was_sent_does_not_go_out():
    outbox = Outbox()
    outbox.put_states({"a": b"ON"})
    taken(outbox)
    outbox.put_states({"a": b"OFF"})
    outbox.put_states({"a": b"ON"})
    assert taken(outbox) == []


def test_everything_goes_again_to_a_broker_that_forgot_it():
    outbox = Outbox()
    outbox.put_states({"a": b"1", "b": b"1"})
    taken(outbox)
    outbox.put_states({"a": b"2"})
    outbox.resend()
    assert taken(outbox) == [("a", b"2"), ("b", b"1")]


def test_forgotten_topic_is_sent_though_it_did_not_change():
    outbox = Outbox()
    outbox.put_states({"a": b"1"})
    taken(outbox)
    outbox.forget("a")
    outbox.put_states({"a": b"1"})
    assert taken(outbox) == [("a", b"1")]


def test_events_keep_their_order_and_the_oldest_goes_when_there_are_too_many():
    outbox = Outbox()
    for number in range(MAX_EVENTS + 2):
        outbox.put_event(b"%d" % number)
    assert outbox.lost_events == 2
    assert outbox.take_event() == b"2"
    assert outbox.take_event() == b"3"


def test_empty_outbox_has_nothing_to_take():
    outbox = Outbox()
    assert outbox.take_state() is None
    assert outbox.take_event() is None
