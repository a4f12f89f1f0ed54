from __future__ import annotations

import pytest

from device.errors import UsageError
from device.hub.hosts import Host
from device.hub.roster import Member, Roster

GARDEN, BARN = Host("garden", "garden:8080"), Host("barn", "barn:8080")


class Files:
    """The two files, and a roster of them."""

    def __init__(self, folder):
        self.hosts, self.tokens = folder / "pis.txt", folder / "tokens"
        self.hosts.write_text("garden\n")
        self.tokens.touch(0o600)
        self.tokens.write_text("* open-sesame\n")
        self.said = []
        self.roster = Roster(self.hosts, self.tokens, 8080, self.said.append)

    def looks(self):
        """Two: at the first of them a change may be half done."""
        return [self.roster.look(), self.roster.look()]


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path)


def test_members_are_the_hosts_with_their_tokens(files):
    assert files.roster.members == [Member(GARDEN, "open-sesame")]
    assert "open-sesame" not in repr(files.roster.members)


def test_files_that_stay_are_not_read_again(files, monkeypatch):
    monkeypatch.setattr("device.hub.roster.read_hosts", None)
    assert files.looks() == [False, False]


def test_host_that_is_added_is_a_member_at_the_second_look(files):
    files.hosts.write_text("garden\nbarn\n")
    assert files.looks() == [False, True]
    assert files.roster.members == [Member(GARDEN, "open-sesame"), Member(BARN, "open-sesame")]
    assert files.said == [f"--hosts {files.hosts} has changed: 2 Pis"]
    assert files.looks() == [False, False]


def test_file_is_left_alone_while_it_is_being_written(files):
    files.hosts.write_text("garden\nba")
    assert not files.roster.look()
    files.hosts.write_text("garden\nbarn\n")
    assert not files.roster.look()
    assert files.roster.look()
    assert [member.host for member in files.roster.members] == [GARDEN, BARN]


def test_token_that_changes_makes_another_member(files):
    files.tokens.write_text("garden another-one\n* open-sesame\n")
    assert files.looks() == [False, True]
    assert files.roster.members == [Member(GARDEN, "another-one")]


@pytest.mark.parametrize(
    ("text", "words"),
    [("", "names no host"), ("garden\n-oProxyCommand=x\n", "line 2:"), (None, "cannot be read")],
)
def test_file_that_cannot_be_read_is_told_once_and_changes_nothing(files, text, words):
    files.hosts.unlink()
    if text is not None:
        files.hosts.write_text(text)
    assert files.looks() + files.looks() == [False] * 4
    assert files.roster.members == [Member(GARDEN, "open-sesame")]
    (said,) = files.said
    assert words in said
    assert said.endswith("; the Pis stay those of before")
    files.hosts.write_text("garden\nbarn\n")
    assert files.looks() == [False, True]


def test_tokens_that_others_may_read_are_not_taken_until_they_may_not(files):
    files.tokens.write_text("garden another-one\n")
    files.tokens.chmod(0o644)
    assert files.looks() == [False, False]
    assert "chmod 600" in files.said[0]
    files.tokens.chmod(0o600)
    assert files.looks() == [False, True]
    assert files.roster.members == [Member(GARDEN, "another-one")]


def test_comment_that_changes_is_not_told(files):
    files.hosts.write_text("# mine\ngarden\n")
    assert files.looks() == [False, False]
    assert files.said == []


def test_files_that_are_no_good_at_the_start_are_an_error(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        Roster(tmp_path / "none", None, 8080, print)
