import hashlib
from pathlib import Path

import pytest

from device.system.code_integrity import damaged_code


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Two files of code, and the list that deploy.sh leaves."""
    lines = []
    for name in ("device/cli.py", "device/web/page file.js"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {name}\n")
        lines.append(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {name}\n")
    (tmp_path / "code.sha256").write_text("".join(lines))
    return tmp_path


def test_code_as_it_was_deployed_is_fine(release: Path):
    assert damaged_code(release) == []


def test_checkout_has_no_list_and_is_not_judged(tmp_path: Path):
    assert damaged_code(tmp_path) is None
    assert damaged_code() is None


def test_one_bit_that_fell_over_is_found(release: Path):
    file = release / "device" / "cli.py"
    data = bytearray(file.read_bytes())
    data[2] ^= 1
    file.write_bytes(data)
    assert damaged_code(release) == ["device/cli.py"]


def test_file_that_is_gone_is_found(release: Path):
    (release / "device" / "web" / "page file.js").unlink()
    assert damaged_code(release) == ["device/web/page file.js"]


@pytest.mark.parametrize(
    "line", ["", "nonsense", "0" * 64 + "  /etc/passwd", "0" * 63 + "  device/x"]
)
def test_list_that_is_damaged_itself_is_found(release: Path, line: str):
    with (release / "code.sha256").open("a") as file:
        file.write(f"{line}\n")
    assert damaged_code(release) == ["code.sha256"]


def test_what_python_made_of_the_code_is_judged_by_a_list_of_its_own(release: Path):
    compiled = release / "device" / "__pycache__" / "cli.pyc"
    compiled.parent.mkdir()
    compiled.write_bytes(b"made of it")
    digest = hashlib.sha256(b"made of it").hexdigest()
    (release / "compiled.sha256").write_text(f"{digest}  device/__pycache__/cli.pyc\n")
    assert damaged_code(release) == []
    compiled.write_bytes(b"made of In")
    assert damaged_code(release) == ["device/__pycache__/cli.pyc"]
