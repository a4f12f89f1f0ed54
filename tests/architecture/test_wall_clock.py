"""The time of day is set, and jumps: it dates and names things, and measures none.

A Pi has no clock of its own: it begins where it stopped, and leaps when the network tells the time.
"""

from __future__ import annotations

import ast

from tests.architecture.imports_graph import module_paths

# Every module of the device that asks for the time of day, and what for. What lasts, waits or is
# due is measured by time.monotonic.
USERS = {
    "device.bench.session": "when a benchmark was made",
    "device.doctor.case": "whether the time can be right; when the report was made",
    "device.home.notifier": "the time in a message, and quiet hours",
    "device.outputs.collect": "names of collected images",
    "device.outputs.segments": "names of segments and clips",
    "device.outputs.serialization": "the time of a line in a log",
    "device.pipeline.watching": "when visits were; their length comes from the source's clock",
}
WALL_CLOCKS = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow")}
WALL_CLOCKS |= {("datetime", "today"), ("date", "today")}
NOW_WITHOUT_ARGUMENT = {"localtime", "gmtime", "ctime", "asctime"}


def asks_for_the_time_of_day(tree: ast.AST) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
            if (name, node.attr) in WALL_CLOCKS:
                return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in NOW_WITHOUT_ARGUMENT and not node.args:
                return True
            if node.func.attr == "strftime" and len(node.args) == 1:
                owner = node.func.value
                if isinstance(owner, ast.Name) and owner.id == "time":
                    return True
    return False


def test_time_of_day_is_asked_for_where_it_dates_or_names_something():
    found = {
        name
        for name, path in module_paths().items()
        if name.startswith("device.") and asks_for_the_time_of_day(ast.parse(path.read_text()))
    }
    assert found == set(USERS)


def test_looking_for_it_finds_it():
    for line in (
        "time.time()", "datetime.datetime.now()", "datetime.now(UTC)", "clock = time.time",
        "time.localtime()", "time.strftime('%H')", "date.today()",
    ):  # fmt: skip
        assert asks_for_the_time_of_day(ast.parse(line)), line
    for line in ("time.monotonic()", "time.gmtime(now_s)", "time.strftime('%H', then)"):
        assert not asks_for_the_time_of_day(ast.parse(line)), line
