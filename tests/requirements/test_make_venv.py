from __future__ import annotations

import os

import pytest

from tests.helpers.deploy_hosts import write_script

MAKE = "make_venv.sh"
SAID = "Installing what the laptop side needs into .venv, for Python {}"


@pytest.fixture
def venv(laptop):
    return laptop.checkout / ".venv"


def made(laptop, *arguments: str) -> str:
    ran = laptop.run(MAKE, ".venv", *arguments)
    assert ran.code == 0, ran.err
    return ran.out


def refused(laptop, *arguments: str, **variables: str) -> str:
    """The one line that it fails with."""
    ran = laptop.run(MAKE, *(arguments or (".venv",)), **variables)
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert ran.err.startswith("make: ")
    return ran.err


def test_environment_is_made_from_the_lock_of_its_python_by_hash(laptop, venv):
    laptop.add_python("3.12")
    assert made(laptop).startswith(SAID.format("3.12"))
    (installation,) = laptop.installations
    assert installation.endswith("laptop-3.12-linux-x86_64.txt")
    assert "--require-hashes --no-deps" in installation
    assert (venv / "installed").read_text().startswith("3.12 linux-x86_64 ")


def test_complete_environment_is_left_alone(laptop, venv):
    laptop.add_python("3.12")
    made(laptop)
    for path in laptop.checkout.rglob("*"):
        os.utime(path, (1000, 1000), follow_symlinks=False)
    laptop.add_python("3.11")  # better, but this one is there
    assert made(laptop) == ""
    assert made(laptop, "python3.12") == ""
    assert len(laptop.installations) == 1
    assert (venv / "installed").stat().st_mtime == 1000


def test_python_asked_for_replaces_one_of_another(laptop, venv):
    laptop.add_python("3.11")
    laptop.add_python("3.13")
    made(laptop)
    said = made(laptop, "python3.13")
    assert ".venv was of Python 3.11, and is made anew" in said
    assert (venv / "installed").read_text().startswith("3.13 ")


def test_interrupted_installation_is_taken_up_again(laptop, venv):
    laptop.add_python("3.12")
    made(laptop)
    (venv / "installed").unlink()
    laptop.add_python("3.11")
    assert made(laptop).startswith(SAID.format("3.12"))
    assert "made anew" not in made(laptop)
    assert laptop.installations[1].endswith("laptop-3.12-linux-x86_64.txt")


def test_half_made_environment_of_an_old_python_is_made_anew(laptop, venv):
    laptop.add_python("3.9", at=venv / "bin/python")
    (venv / "pyvenv.cfg").touch()
    laptop.add_python("3.11")
    assert ".venv was of Python 3.9, and is made anew" in made(laptop)
    assert (venv / "installed").read_text().startswith("3.11 ")


@pytest.mark.parametrize("broken", ["without pip", "dangling"])
def test_environment_that_does_not_work_is_made_anew(laptop, venv, broken):
    laptop.add_python("3.11")
    made(laptop)
    if broken == "dangling":
        (venv / "bin/python").unlink()
        (venv / "bin/python").symlink_to("/gone/python3.11")
    else:
        (venv / "bin/python.no-pip").touch()
    assert SAID.format("3.11") in made(laptop)
    assert len(laptop.installations) == 2


def test_changed_lock_is_installed_without_a_new_environment(laptop, venv):
    laptop.add_python("3.11")
    made(laptop)
    (venv / "kept").touch()
    with (laptop.checkout / "requirements/laptop-3.11-linux-x86_64.txt").open("a") as lock:
        lock.write("# changed\n")
    assert SAID.format("3.11") in made(laptop)
    assert (venv / "kept").exists()


def test_changed_lock_of_another_machine_is_nothing_to_install(laptop, venv):
    laptop.add_python("3.11")
    made(laptop)
    lock = laptop.checkout / "requirements/laptop-3.12-macos-arm64.txt"
    for path in laptop.checkout.rglob("*"):
        os.utime(path, (1000, 1000), follow_symlinks=False)
    os.utime(lock, (2000, 2000))
    assert made(laptop) == ""
    assert (venv / "installed").stat().st_mtime > 2000, "make would ask again each time"


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_no_environment_is_not_touched(laptop, venv, kind):
    laptop.add_python("3.11")
    if kind == "file":
        venv.write_text("mine")
    else:
        venv.mkdir()
        (venv / "notes.txt").write_text("mine")
    assert "is no virtual environment; remove it, or name another" in refused(laptop)
    assert venv.exists()


def test_no_python_is_one_line_that_says_what_to_install(laptop, venv):
    assert "sudo apt install python3-venv" in refused(laptop)
    assert not venv.exists()


def test_disk_that_is_too_small_is_said_before_anything_is_fetched(laptop, venv):
    laptop.add_python("3.11")
    (laptop.bin / "df").unlink()
    write_script(laptop.bin / "df", "echo Filesystem; echo disk 9 9 2000000 9 /")
    assert ".venv takes 3300 MB, and 2000 MB are free there" in refused(laptop)
    assert not venv.exists()


def test_folder_for_temporary_files_that_is_too_small_is_said(laptop):
    laptop.add_python("3.11")
    (laptop.bin / "df").unlink()
    script = "case $2 in */small) free=1000 ;; *) free=9000000 ;; esac; echo; echo d 9 9 $free 9 /"
    write_script(laptop.bin / "df", script)
    small = laptop.folder / "small"
    small.mkdir()
    assert "TMPDIR=/there make" in refused(laptop, ".venv", TMPDIR=str(small))


@pytest.mark.parametrize(
    ("pip_says", "expected"),
    [
        ("ERROR: [Errno 28] No space left on device", "the disk is full"),
        ("Temporary failure in name resolution", "the package index cannot be reached"),
        ("error: command 'gcc' failed", "sudo apt install gcc python3.11-dev"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "see .venv/pip.log"),
    ],
)
def test_installation_that_fails_is_one_line_with_what_to_do(laptop, venv, pip_says, expected):
    laptop.add_python("3.11")
    (laptop.folder / "pip-says").write_text(f"first line\n{pip_says}\n")
    said = refused(laptop)
    assert said.startswith("make: the packages could not be installed: ")
    assert expected in said
    assert not (venv / "installed").exists()
    (laptop.folder / "pip-says").unlink()
    made(laptop)
    assert (venv / "installed").exists()


def test_python_that_makes_no_environment_is_said(laptop):
    python = laptop.add_python("3.11")
    python.with_name("python3.11.no-venv").touch()
    assert "python3.11 could not make .venv" in refused(laptop)


def test_platform_without_a_lock_is_said(laptop):
    laptop.add_python("3.11")
    (laptop.checkout / "requirements/laptop-3.11-linux-x86_64.txt").unlink()
    assert "there is no " in refused(laptop)
