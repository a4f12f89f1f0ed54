"""A host that is not what it was: whatever it says, none of it runs on the laptop."""

import re
import shutil
import subprocess

import pytest

from tests.helpers.deploy_hosts import ROOT, StubHost, write_script

SCRIPT = (ROOT / "deploy.sh").read_text()
READER = SCRIPT[SCRIPT.index("form_of() {") : SCRIPT.index("\n}\n", SCRIPT.index("form_of() {"))]
FACTS = sorted(
    name
    for names in re.findall(r"(?m)^    ([a-z |]+)\) echo", READER)
    for name in names.split(" | ")
)
PATHS = [
    ("--dry-run",),
    ("--dry-run", "--service", "--install-deps", "--offline"),
    ("--service",),
    ("--status",),
    ("--status", "--json"),
    ("--logs",),
    ("--rollback",),
    ("--forward",),
    ("--uninstall",),
]
SUBSCRIPT = "BASH_VERSINFO[$(touch pwned)0]"  # which arithmetic expands, wherever it meets it
HOSTILE_VALUES = [
    SUBSCRIPT,
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    "x=a[$(touch pwned)],0",
    "-o ProxyCommand=touch\tpwned",
    "08",
    "99999999999999999999999999",
    "*",
    " rsync; touch pwned",
    "../../..",
    "\x1b]0;owned\x07\x9b31m\u009b31m",
    "é" * 300,
    "x" * 300_000,
    "",
]


def lies(host: StubHost, lines: list[str], instead_of: str = "") -> None:
    """Have it say ``lines`` at each login, and keep back the fact ``instead_of``."""
    (host.tools / "lies").write_bytes("".join(f"{line}\n" for line in lines).encode("latin-1"))
    shell = host.tools / "sh"
    shell.unlink()
    kept_back = f"'^liteberry-{instead_of} '" if instead_of else "'^$'"
    write_script(
        shell,
        f"/bin/cat '{host.tools}/lies'\n/usr/bin/head -c 1000 '{host.tools}/lies' >&2\n"
        f"/bin/sh \"$@\" >'{host.tools}/answer'\nstatus=$?\n"
        f"{shutil.which('grep')} -v {kept_back} '{host.tools}/answer'\nexit $status",
    )


def deployed(host: StubHost, path: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    done = host.deploy(*path, "pi")  # sees to it that there is no `pwned`
    said = done.stdout + done.stderr
    assert done.returncode in (0, 1), done
    assert not re.search(r"[^\n -~\u00a0-\U0010ffff]", said), said
    assert "deploy.sh: line " not in said  # an error of bash itself
    return done


@pytest.fixture
def serving(stub_host: StubHost) -> StubHost:
    """One with a service, as far as that is seen."""
    write_script(
        stub_host.tools / "systemctl",
        "case $1 in show) ;; cat) echo Owner=pi; echo User=liteberry ;; *) exit 1 ;; esac",
    )
    write_script(stub_host.tools / "journalctl", "")
    write_script(stub_host.tools / "sudo", "")
    for name in ("basename", "readlink", "cat"):
        (stub_host.tools / name).symlink_to(shutil.which(name) or f"/bin/{name}")
    return stub_host


def test_every_fact_is_known_by_these_tests():
    assert {"machine", "python", "free", "days", "missing", "same", "token"} <= set(FACTS)
    said = set(re.findall(r"\bliteberry-([a-z]+) ", SCRIPT)) - {"held", "busy"}
    assert said - {"hold"} <= set(FACTS)
    assert set(re.findall(r"\$\(fact ([a-z]+)\)", SCRIPT)) <= set(FACTS)
    assert len(set(FACTS)) == len(FACTS)


@pytest.mark.parametrize(
    ("fact", "path"),
    # All paths have one reader: each fact comes by two of them, and each path has its turn.
    [(fact, PATHS[(number * step) % len(PATHS)]) for number, fact in enumerate(FACTS)
     for step in (1, 4)] + [("free", path) for path in PATHS] + [("days", path) for path in PATHS],
)  # fmt: skip
def test_fact_that_would_be_a_command_runs_nowhere(
    serving: StubHost, fact: str, path: tuple[str, ...]
):
    lies(serving, [f"liteberry-{fact} {SUBSCRIPT}"], instead_of=fact)
    deployed(serving, path)


@pytest.mark.parametrize("value", HOSTILE_VALUES, ids=range(len(HOSTILE_VALUES)))
def test_value_that_no_fact_has_is_refused_or_shown_as_text(serving: StubHost, value: str):
    number = HOSTILE_VALUES.index(value)
    for fact in (("free", "machine"), ("days", "missing"), ("python", "current"))[number % 3]:
        value = value.encode().decode("latin-1")
        lies(serving, [f"liteberry-{fact} {value}"], instead_of=fact)
        deployed(serving, ("--dry-run", "--service"))


@pytest.mark.parametrize("fact", ["free", "days", "machine", "python"])
def test_fact_that_is_said_twice_is_refused(serving: StubHost, fact: str):
    true = {"free": "4000", "days": "0", "machine": "aarch64-64", "python": "3.11"}[fact]
    lies(serving, [f"liteberry-{fact} {true}"])
    done = deployed(serving, ("--dry-run",))
    assert done.returncode == 1
    assert f"no answer that could be one to what its '{fact}' is" in done.stderr


def test_unknown_facts_and_a_long_talk_at_login_are_passed_over(serving: StubHost):
    lies(serving, ["liteberry-colour $(touch pwned)", *["welcome " * 12] * 500, SUBSCRIPT])
    assert deployed(serving, ("--dry-run",)).returncode == 0


def test_host_that_talks_without_end_is_refused(serving: StubHost):
    lies(serving, ["x" * 2_000_000])
    assert deployed(serving, ("--dry-run",)).returncode == 1


@pytest.mark.parametrize("path", [("--status",), ("--logs",)], ids=" ".join)
def test_escape_sequences_in_what_it_says_do_not_reach_the_terminal(
    serving: StubHost, path: tuple[str, ...]
):
    lies(serving, ["\x1b[2J\x1b]52;c;aGk=\x07seen\tfrom here\xc2\x9b31m\x08\x7f \xc3\xa9"])
    done = deployed(serving, path)
    assert "[2J]52;c;aGk=seen from here31m é" in done.stdout + done.stderr


def test_key_that_a_banner_names_is_no_command_to_copy(stub_host: StubHost):
    write_script(
        stub_host.laptop.folder / "tools" / "ssh",
        "case $* in *'-O exit'*) exit ;; esac\n"
        "echo '@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @' >&2\n"
        "echo \"Host key for x'; touch pwned; ' has changed and you have asked\" >&2\nexit 255",
    )
    done = stub_host.deploy("pi")
    assert done.returncode == 1
    assert "ssh-keygen -R 'pi'" in done.stderr
    assert "touch" not in done.stderr


def test_agent_display_and_forwarded_ports_stay_on_the_laptop(stub_host: StubHost):
    stub_host.deploy("--dry-run", "pi")
    (first,) = [line for line in stub_host.laptop.ssh_log().splitlines() if " -- pi" in line]
    assert re.search(r"-\w*a\w*x", first)
    assert "ClearAllForwardings=yes" in first


# What bash evaluates: nothing but our own numbers may be there.
EVALUATING = {
    "arithmetic": r"\$?\(\((?!\d)",
    "eval": r"\beval\b",
    "printf -v": r"printf\s+-v",
    "let": r"(?m)^\s*let\b",
    "declare": r"\b(?:declare|typeset)\b",
    "indirection": r"\$\{!(?!\w+\[@\])",
}
COMPARISON = re.compile(r"(\S+)\s-(?:lt|le|gt|ge|eq|ne)\s(\S+)")
NUMBER = re.compile(r"\$\{#[\w@\[\]]+\}|\$#|\d+|\$at_once")


def bash_of(script: str) -> str:
    """The script without what the host's sh or Python runs, and without comments."""
    script = re.sub(r"(<<'(\w+)'.*?\n).*?\n\2\n", r"\1", script, flags=re.DOTALL)
    return re.sub(r"(?m)(?:^|(?<=\s))#.*$", "", script)


@pytest.mark.parametrize("construct", EVALUATING)
def test_script_has_nothing_that_evaluates_a_string(construct: str):
    assert not re.search(EVALUATING[construct], bash_of(SCRIPT))


def test_script_compares_as_numbers_only_what_bash_has_counted():
    found = COMPARISON.findall(bash_of(SCRIPT))
    assert found
    for one, other in found:
        assert NUMBER.fullmatch(one), one
        assert NUMBER.fullmatch(other), other
