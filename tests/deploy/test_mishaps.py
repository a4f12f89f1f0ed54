"""What goes wrong on the way: full disks, a network that is lost, a password: ``make test-deploy``.

Each host is told so, goes on with the release it has, and keeps nothing of the one that failed.
"""

import contextlib
import http.server
import os
import re
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.deploy_hosts import (
    LOCKS,
    RealHost,
    assert_fails,
    contents,
    on_request,
    real_host,
    rewritten,
    write_script,
)

pytestmark = pytest.mark.deployments

MB = 1_000_000
LOCK = LOCKS.get(sys.version_info[:2], "")
# A file system of its own for the home folder, which goes with the last process in its namespace.
DISK = 'mount -t tmpfs -o size=4G,mode=755 tmpfs "$1" && shift && exec "$@"'


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, bundle_dir: Path) -> Iterator[RealHost]:
    """One with a release, on a disk of its own."""
    if os.geteuid() != 0:
        pytest.skip("a disk that fills up is mounted by root")
    folder = tmp_path_factory.mktemp("full")
    within = ("unshare", "--mount", "--propagation=private", "sh", "-c", DISK, "sh")
    with real_host(folder, *within, str(folder / "home")) as made:
        done = made.deploy("--bundle", bundle_dir, "--variants", "int8")
        assert done.returncode == 0, done.stdout + done.stderr
        yield made


@pytest.fixture
def changed_lock(host: RealHost) -> Iterator[None]:
    """Another lock than that of the release: it needs an environment of its own."""
    lock = host.laptop.checkout / "requirements" / LOCK
    text = lock.read_text()
    lock.write_text(f"{text}# changed\n")
    yield
    lock.write_text(text)


def seen(host: RealHost) -> Path:
    """Its home folder with what is mounted there."""
    return Path(f"/proc/{host.sshd}/root{host.home}")


def used(host: RealHost) -> int:
    disk = os.statvfs(seen(host))
    return (disk.f_blocks - disk.f_bfree) * disk.f_frsize


@contextlib.contextmanager
def room(host: RealHost, size: int) -> Iterator[None]:
    """Less of it than the host says, as if others filled its disk meanwhile."""
    resize = ["nsenter", f"--target={host.sshd}", "--mount", "mount", "-o"]
    write_script(host.tools / "df", "echo Filesystem; echo /dev/root 1 2 4000000")
    subprocess.run([*resize, f"remount,size={used(host) + size}", host.home], check=True)
    try:
        yield
    finally:
        subprocess.run([*resize, "remount,size=4G", host.home], check=True)
        (host.tools / "df").unlink()


def assert_works(host: RealHost) -> None:
    """The release there is one that runs."""
    done = subprocess.run(
        [
            *("ssh", "-F", host.laptop.environment["LITEBERRY_SSH_CONFIG"], "board"),
            ".local/bin/liteberry info liteberry/current/bundle",
        ],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done


def assert_as_before(host: RealHost, before: dict[str, tuple[int, str]]) -> None:
    assert contents(seen(host) / "liteberry") == before
    assert_works(host)


def test_disk_that_is_full_before_all_is_copied_gets_its_room_back(
    host: RealHost, bundle_dir: Path
):
    before, used_before = contents(seen(host) / "liteberry"), used(host)
    with room(host, 4 * MB):
        done = host.deploy("--bundle", bundle_dir)
        assert done.returncode == 1, done
        last = done.stderr.splitlines()[-1]
        assert last.startswith("deploy.sh: the disk of board is full, and what was sent is gone")
        assert "ssh -t board sudo apt clean" in last
        assert_as_before(host, before)
        assert used(host) - used_before < 100_000


def test_disk_that_is_full_before_all_is_installed_gets_its_room_back(
    host: RealHost, bundle_dir: Path, changed_lock: None
):
    before, used_before = contents(seen(host) / "liteberry"), used(host)
    with room(host, 80 * MB):
        done = host.deploy("--bundle", bundle_dir, "--variants", "int8")
        assert done.returncode == 1, done
        assert "deploy.sh: the disk of board is full" in done.stderr.splitlines()[-1]
        assert_as_before(host, before)
        assert used(host) - used_before < 100_000


def test_host_with_too_little_room_for_a_changed_lock_is_refused_untouched(
    host: RealHost, bundle_dir: Path, changed_lock: None
):
    before = contents(seen(host) / "liteberry")
    write_script(host.tools / "df", "echo Filesystem; echo /dev/root 1 2 512000")
    done = host.deploy("--bundle", bundle_dir, "--variants", "int8")
    (host.tools / "df").unlink()
    assert_fails(done, 1, "has 500 MB free and needs 800")
    assert contents(seen(host) / "liteberry") == before


def test_disk_that_fills_up_at_any_request_leaves_a_release_that_works(
    host: RealHost, bundle_dir: Path, tmp_path: Path
):
    filler = host.home / "filler"
    inside = f"nsenter --target={host.sshd} --mount"
    fill = f'{inside} dd if=/dev/zero of="{filler}" bs=64k status=none 2>"{tmp_path}/said"'
    bundles = [rewritten(bundle_dir, tmp_path / f"{indent}", indent) for indent in (3, 5)]
    number, failed = 0, 0
    while True:
        number += 1
        new = bundles[number % 2]
        release = (seen(host) / "liteberry" / "current").readlink()
        with room(host, 100 * MB), on_request(host.laptop, number, fill) as came_to_it:
            done = host.deploy("--bundle", new)
        manifest = (seen(host) / "liteberry" / "current" / "bundle" / "manifest.json").read_text()
        assert_works(host)
        if done.returncode == 0:
            assert (seen(host) / "liteberry" / "current").readlink() != release, (number, done)
        else:
            failed += 1
            last = done.stderr.splitlines()[-1]
            assert "disk of board is full" in last, (number, done)
            assert (seen(host) / "liteberry" / "current").readlink() == release, number
            assert not (seen(host) / "liteberry" / "releases" / "incoming").exists()
        if not came_to_it():
            break
        assert manifest
        (seen(host) / "filler").unlink()
        done = host.deploy("--bundle", new)
        assert done.returncode == 0, f"{number}: {done.stdout}{done.stderr}"
    assert failed > 3


class _Index(http.server.BaseHTTPRequestHandler):
    """A package index that sends the beginning of a package, and then nothing any more."""

    lost: threading.Event
    over: threading.Event
    lock: str

    def do_GET(self) -> None:
        if self.lost.is_set():
            self.over.wait(60)
            return
        if not self.path.endswith(".whl"):
            name = self.path.strip("/").rpartition("/")[2]
            pinned = re.search(rf"^{name}==(\S+).*?sha256:(\w+)", self.lock, re.M | re.S)
            assert pinned, self.path
            file = f"{name.replace('-', '_')}-{pinned[1]}-py3-none-any.whl"
            self._begin(page := f'<a href="/{file}#sha256={pinned[2]}">{file}</a>'.encode())
            self.wfile.write(page)
            return
        self._begin(bytes(MB))
        self.wfile.write(bytes(MB // 2))
        self.wfile.flush()
        self.lost.set()
        self.over.wait(60)

    def _begin(self, body: bytes) -> None:
        self.send_response(200)
        kind = "application/octet-stream" if self.path.endswith(".whl") else "text/html"
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()

    def log_request(self, code: object = "-", size: object = "-") -> None:
        pass


@pytest.fixture
def index_that_is_lost(host: RealHost) -> Iterator[threading.Event]:
    """Set when it is."""

    class Index(_Index):
        lost, over = threading.Event(), threading.Event()
        lock = (host.laptop.checkout / "requirements" / LOCK).read_text()

    class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
        daemon_threads = True

    login = host.login.read_text()
    with Server(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = (
            f"PIP_INDEX_URL=http://127.0.0.1:{server.server_port}/simple PIP_EXTRA_INDEX_URL= "
            "PIP_CONFIG_FILE=/dev/null PIP_DEFAULT_TIMEOUT=5 PIP_RETRIES=0 PIP_FIND_LINKS= "
            "no_proxy=127.0.0.1 NO_PROXY=127.0.0.1"
        )
        host.login.write_text(login.replace("cd && exec", f"export {settings}\ncd && exec"))
        yield Index.lost
        Index.over.set()
        server.shutdown()
    host.login.write_text(login)


def test_network_that_is_lost_while_pip_installs_leaves_nothing_of_it(
    host: RealHost, bundle_dir: Path, changed_lock: None, index_that_is_lost: threading.Event
):
    before, used_before = contents(seen(host) / "liteberry"), used(host)
    done = host.deploy("--bundle", bundle_dir, "--variants", "int8")
    assert index_that_is_lost.is_set(), done
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("deploy.sh: installing on board failed, see above (--offline installs")
    assert_as_before(host, before)
    assert used(host) - used_before < 100_000


def test_host_that_wants_a_password_is_told_and_the_others_are_deployed_to(
    host: RealHost, bundle_dir: Path
):
    done = host.deploy("--bundle", bundle_dir, "--variants", "int8", "refused", "stranger")
    assert done.returncode == 1, done
    *_, refused, stranger, board = done.stdout.splitlines()
    assert refused.split()[:2] == ["refused", "FAILED"]
    assert "Permission denied (publickey,password)" in refused
    assert "ssh-copy-id refused" in refused
    assert stranger.split()[:2] == ["stranger", "FAILED"]
    assert "Host key verification failed" in stranger
    assert "log in once, and say that it is the right one: ssh stranger" in stranger
    assert board.split()[:2] == ["board", "ok"]
