"""What the tests of deploy.sh share."""

from pathlib import Path

import pytest

from tests.helpers.deploy_hosts import StubHost, make_stub_host


@pytest.fixture
def stub_host(tmp_path: Path) -> StubHost:
    return make_stub_host(tmp_path)
