"""deploy.sh runs where macOS runs it: on bash 3.2, and with openrsync for rsync.

Neither is at hand here, so the script is read for what they lack.
"""

import re
import shlex

import pytest

from tests.helpers.deploy_hosts import ROOT

SCRIPT = (ROOT / "deploy.sh").read_text()

# What bash learned after 3.2, as a pattern and an example of it.
NEWER = {
    "associative array, or a name for a variable": (
        r"\b(?:declare|local|typeset|readonly)\s+-[a-zA-Z]*[AngluI]",
        "local -A ages",
    ),
    "mapfile": (r"\b(?:mapfile|readarray)\b", "mapfile -t lines"),
    "coprocess": (r"\bcoproc\b", "coproc ssh host"),
    "change of case": (r"\$\{\w+(?:\[[^]]*\])?(?:\^|,)", "echo ${name,,}"),
    "transformation": (r"\$\{\w+(?:\[[^]]*\])?@[A-Za-z]\}", "echo ${name@Q}"),
    "&>>": (r"&>>", "command &>>log"),
    "|&": (r"\|&", "command |& tee log"),
    ";& and ;;&": (r";;?&", "a) echo ;;&"),
    "negative length": (r"\$\{\w+:[^}:?+=-][^}:]*:\s*-", "echo ${name:0:-1}"),
    "negative index": (r"\$\{\w+\[\s*-", "echo ${names[-1]}"),
    "-v": (r"\[\[?\s+-v\s", "[[ -v name ]]"),
    "number of a new descriptor": (r"\{\w+\}[<>]", "exec {lock}>file"),
    "wait -n": (r"\bwait\s+-[nfp]", "wait -n"),
    "read -N or -i": (r"\bread\s+(?:-\w+\s+)*-\w*[Ni]", "read -N 4 word"),
    "printf of a time": (r"%\([^)]*\)T", "printf '%(%F)T' -1"),
    "variable": (
        r"\$\{?(?:EPOCHSECONDS|EPOCHREALTIME|BASHPID|SRANDOM|BASH_ARGV0)\b",
        "echo $EPOCHSECONDS",
    ),
    "lastpipe and the like": (
        r"\bshopt\s+-s\s+(?:lastpipe|globstar|inherit_errexit)",
        "shopt -s globstar",
    ),
    "local -": (r"\blocal\s+-\s*$", "local -"),
    "\\u": (r"\$'[^']*\\u", r"echo $'\u00e9'"),
}
OPENRSYNC = {"-r", "-l", "-t", "-e", "--delete", "--exclude", "--include"}  # of its manual page


def bash_of(script: str) -> str:
    """The script without what the host's sh or Python runs, and without comments."""
    script = re.sub(r"(<<'(\w+)'.*?\n).*?\n\2\n", r"\1", script, flags=re.DOTALL)
    return re.sub(r"(?m)(?:^|(?<=\s))#.*$", "", script)


def arrays_that_may_be_empty(script: str) -> set[str]:
    """Arrays that begin empty and are expanded by nothing but ``"${name[@]}"``.

    Under ``set -u`` bash 3.2 takes that for a variable that is not set.
    """
    empty = set(re.findall(r"\b(\w+)=\(\)", script))
    return {name for name in empty if re.search(rf'(?<!\+)"\$\{{{name}\[@\]\}}"', script)}


@pytest.mark.parametrize("construct", NEWER)
def test_bash_after_3_2_is_found_where_it_is_used_and_not_in_the_script(construct: str):
    pattern, example = NEWER[construct]
    assert re.search(pattern, example, re.MULTILINE)
    found = re.search(pattern, bash_of(SCRIPT), re.MULTILINE)
    assert not found, found


def test_what_the_host_runs_is_left_out_and_the_rest_is_not():
    script = "a=1 # mapfile\non_host <<'EOF' || die \"${b,,}\"\nmapfile\nEOF\nc=2\n"
    assert bash_of(script) == "a=1 \non_host <<'EOF' || die \"${b,,}\"\nc=2\n"


def test_array_that_may_be_empty_is_found():
    script = 'a=() b=() c=()\necho "${a[@]}" ${b[@]+"${b[@]}"} "${#c[@]}" "${!c[@]}"\n'
    assert arrays_that_may_be_empty(script) == {"a"}


# These begin empty; the function named fills each before anything expands it.
FILLED = {"shared": "connect", "pids": "visit_all"}


def test_arrays_that_are_expanded_are_filled_by_then():
    assert arrays_that_may_be_empty(bash_of(SCRIPT)) <= set(FILLED)
    for array, function in FILLED.items():
        body = re.search(rf"(?ms)^{function}\(\) {{\n(.*?)^}}", SCRIPT)
        assert body, function
        assert re.search(rf"\b{array}\+?=\([^)]", body[1]), array


def test_rsync_is_asked_for_nothing_that_openrsync_lacks():
    text = bash_of(SCRIPT).replace("\\\n", " ")
    calls = [
        line.strip() for line in text.splitlines() if re.match(r"\s*(heard rsync|send)\s", line)
    ]
    assert len(calls) >= 4
    flags = set()
    for call in calls:
        for word in shlex.split(call.replace("$(chosen)", ""), comments=True):
            if word.startswith("--"):
                flags.add(word.partition("=")[0])
            elif word.startswith("-"):
                flags |= {f"-{letter}" for letter in word[1:]}
    flags |= set(re.findall(r"'?(--(?:include|exclude))=", text))
    assert {"-r", "-t", "--delete", "--include"} <= flags
    assert flags <= OPENRSYNC
