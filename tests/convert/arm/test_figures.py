from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from convert.arm import __main__ as command
from convert.arm.count import FrameCount
from convert.arm.figures import (
    Figure,
    InstructionCounts,
    find_growth,
    format_figures,
    format_table,
    read_figures,
    with_table,
)
from device.errors import BenchmarkError

ROOT = Path(__file__).parents[3]


def figure(
    invoke: int = 100_000, decode: int = 900, variant: str = "int8", error: str = ""
) -> Figure:
    count = None if error else FrameCount(preprocess=9_100, invoke=invoke, decode=decode)
    return Figure(variant=variant, interpreter="litert", cpu="cortex-a72", count=count, error=error)


def figures(*counts: Figure) -> InstructionCounts:
    return InstructionCounts(
        model="ssdlite_mobilenet_v2",
        date="2026-11-21",
        command="make",
        versions={"QEMU": "7.2"},
        frame_wh=(640, 480),
        counts=counts,
    )


def complaints(before: Figure, *after: Figure) -> list[str]:
    return list(find_growth(figures(before), figures(*after)))


def test_growth_of_two_per_cent_passes_and_an_instruction_more_does_not() -> None:
    assert complaints(figure(), figure(102_000)) == []
    (complaint,) = complaints(figure(), figure(102_001))
    assert complaint.startswith("invoke of int8 in litert on cortex-a72: 100,000 became 102,001")


def test_growth_outside_the_invoke_is_seen_in_the_frame() -> None:
    assert figure().count == FrameCount(preprocess=9_100, invoke=100_000, decode=900)
    assert complaints(figure(), figure(decode=900 + 2_200)) == []  # a frame of 110,000
    (complaint,) = complaints(figure(), figure(decode=900 + 2_201))
    assert complaint.startswith("frame of int8 in litert on cortex-a72: 110,000 became 112,201")


def test_fewer_instructions_and_new_variants_pass() -> None:
    assert complaints(figure(), figure(50_000), figure(variant="tuned")) == []


def test_variant_that_is_gone_is_complained_of() -> None:
    assert complaints(figure(), figure(variant="tuned")) == [
        "int8 in litert on cortex-a72: not counted any more"
    ]


def test_variant_that_no_longer_runs_is_complained_of_and_one_that_never_ran_is_not() -> None:
    broken = figure(error="crashed (SIGSEGV)")
    assert complaints(figure(), broken) == [
        "int8 in litert on cortex-a72: does not run any more (crashed (SIGSEGV))"
    ]
    assert complaints(broken, broken) == []
    assert complaints(broken, figure()) == []


@pytest.mark.parametrize(("invoke", "code"), [(102_000, 0), (103_000, 1)])
def test_command_fails_where_a_count_grew(
    invoke: int,
    code: int,
    bundle_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Only the counting itself is left out: it takes minutes, and `make bench-arm` does it."""
    (tmp_path / "ssdlite_mobilenet_v2.json").write_bytes(format_figures(figures(figure())))
    monkeypatch.setattr(command, "COMMITTED", tmp_path)
    monkeypatch.setattr(command, "count_bundle", lambda *_: figures(figure(invoke)))
    assert command.main([str(bundle_dir)]) == code
    said = capsys.readouterr()
    assert "| int8 | litert |" in said.out
    assert ("became 103,000 (+3.0%)" in said.err) == bool(code)


def test_update_writes_what_is_then_read_and_shown(
    bundle_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "arm.md"
    document.write_text("before\n<!-- counts of ssdlite_mobilenet_v2 -->\nold\n"
                        "<!-- end of counts -->\nafter\n")  # fmt: skip
    found = figures(figure())
    monkeypatch.setattr(command, "COMMITTED", tmp_path)
    monkeypatch.setattr(command, "DOCUMENT", document)
    monkeypatch.setattr(command, "count_bundle", lambda *_: found)
    assert command.main([str(bundle_dir), "--update"]) == 0
    assert read_figures(tmp_path / "ssdlite_mobilenet_v2.json") == found
    assert document.read_text() == (
        "before\n<!-- counts of ssdlite_mobilenet_v2 -->\n"
        f"{format_table(found)}\n<!-- end of counts -->\nafter\n"
    )


def test_document_of_other_models_stays_as_it_is() -> None:
    other = msgspec.structs.replace(figures(figure()), model="other")
    document = "<!-- counts of ssdlite_mobilenet_v2 -->\n<!-- end of counts -->\n"
    assert with_table(document, other) == document


def test_committed_table_is_that_of_the_committed_counts() -> None:
    committed = read_figures(ROOT / "benchmarks" / "arm" / "ssdlite_mobilenet_v2.json")
    document = (ROOT / "docs" / "arm.md").read_text()
    assert format_table(committed) in document
    assert with_table(document, committed) == document


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[1]"])
def test_file_that_holds_no_counts_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "counts.json").write_bytes(content)
    with pytest.raises(BenchmarkError, match="--update writes it anew"):
        read_figures(tmp_path / "counts.json")


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="No such file"):
        read_figures(tmp_path / "counts.json")
