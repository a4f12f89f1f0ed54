from __future__ import annotations

import pytest

from device.errors import UsageError
from device.hub.hosts import Host
from device.hub.tokens import Tokens, read_tokens

GARDEN, BARN = Host("garden", "garden:8080"), Host("barn", "10.0.0.9:8081")


def write(tmp_path, text, mode=0o600):
    path = tmp_path / "tokens"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_own_token_goes_before_the_one_for_all(tmp_path):
    tokens = read_tokens(
        write(tmp_path, "# mine\n\n* common\npi@garden  own\n10.0.0.9:8081 port\n")
    )
    assert tokens.of(GARDEN) == "own"
    assert tokens.of(BARN) == "port"
    assert tokens.of(Host("shed", "shed:8080")) == "common"
    assert Tokens().of(GARDEN) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_file_that_others_may_read_is_refused(tmp_path, mode):
    path = write(tmp_path, "* secret\n", mode)
    with pytest.raises(UsageError, match=f"can be read by others; run: chmod 600 {path}"):
        read_tokens(path)


@pytest.mark.parametrize("line", ["secret", "garden secret more", "garden sécret", "garden s\x01"])
def test_line_that_is_none_is_told_by_its_number_and_without_what_it_says(tmp_path, line):
    with pytest.raises(UsageError) as refused:
        read_tokens(write(tmp_path, f"* fine\n{line}\n"))
    assert ", line 2: expected is a host" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_file_that_is_missing_or_too_large_is_told(tmp_path):
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_tokens(tmp_path / "none")
    with pytest.raises(UsageError, match="more than 1 MB"):
        read_tokens(write(tmp_path, "#" * 1_000_001))
