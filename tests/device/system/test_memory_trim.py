"""Each in a process of its own: what is asked of the C library holds for all of it."""

import subprocess
import sys
import textwrap
import threading

from device.system.memory_trim import return_freed
from tests.conftest import ROOT


def printed_by(program: str, *arguments: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [float(word) for word in done.stdout.split()]


def test_forgetting_start_up_drops_pages_and_the_model_still_runs(small_bundle):
    before, after, same = printed_by(
        """
        import sys
        from pathlib import Path
        import numpy as np
        from device.bundle.bundle import Bundle
        from device.inference.engine import Engine
        from device.system.memory_trim import forget_startup
        from device.system.resource_usage import rss_mb
        engine = Engine(Bundle(Path(sys.argv[1])), threads=1)
        picture = np.random.default_rng(0).integers(0, 256, engine.new_input().shape)
        picture = picture.astype(engine.new_input().dtype)
        first = engine.invoke(picture)
        before = rss_mb()
        forget_startup(engine.model)
        after = rss_mb()
        second = engine.invoke(picture)
        print(before, after, all(map(np.array_equal, first, second)) * 1)
        """,
        str(small_bundle),
    )
    assert before - after > 15
    assert same == 1


def test_threads_share_one_arena():
    program = """
        import ctypes, threading
        from pathlib import Path
        from device.system.memory_trim import share_one_arena
        {}
        libc = ctypes.CDLL(None)
        libc.malloc.restype = ctypes.c_void_p
        libc.malloc.argtypes = [ctypes.c_size_t]
        found = []
        threads = [threading.Thread(target=lambda: found.append(libc.malloc(64))) for _ in range(3)]
        for thread in threads:
            thread.start()
            thread.join()
        # glibc's arenas other than the first start at multiples of 64 MB (HEAP_MAX_SIZE).
        heap = [line for line in Path("/proc/self/maps").read_text().splitlines()
                if line.endswith("[heap]")][0].split()[0].split("-")
        start, end = (int(side, 16) for side in heap)
        print(sum(start <= address < end for address in found))
        """
    assert printed_by(program.format("share_one_arena()")) == [3]
    assert printed_by(program.format("")) == [0], "the test cannot tell"


def test_freed_memory_between_what_is_in_use_goes_back():
    program = """
        import ctypes
        from device.system.memory_trim import return_freed
        from device.system.resource_usage import rss_mb
        libc = ctypes.CDLL(None)
        libc.malloc.restype = ctypes.c_void_p
        libc.malloc.argtypes = [ctypes.c_size_t]
        libc.free.argtypes = [ctypes.c_void_p]
        libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
        taken = [libc.malloc(100_000) for _ in range(400)]
        for address in taken:
            libc.memset(address, 1, 100_000)
        for number, address in enumerate(taken):
            if number % 4:
                libc.free(address)
        before = rss_mb()
        {}
        print(before - rss_mb())
        """
    assert printed_by(program.format("return_freed()"))[0] > 20
    assert printed_by(program.format(""))[0] < 5, "the test cannot tell"


def test_chunks_that_the_thread_kept_for_itself_go_back_to_the_heap():
    program = """
        import ctypes
        from device.system.memory_trim import return_freed
        libc = ctypes.CDLL(None)
        libc.malloc.restype = ctypes.c_void_p
        libc.malloc.argtypes = [ctypes.c_size_t]
        libc.free.argtypes = [ctypes.c_void_p]
        taken = [libc.malloc(size) for size in range(24, 1033, 16) for _ in range(7)]
        for address in taken:
            libc.free(address)

        class Account(ctypes.Structure):
            _fields_ = [(name, ctypes.c_size_t) for name in (
                "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
                "fordblks", "keepcost")]

        def in_use():
            account = libc.mallinfo2
            account.restype = Account
            return account().uordblks

        before = in_use()
        {}
        print(before - in_use())
        """
    assert printed_by(program.format("return_freed()"))[0] > 100_000
    assert printed_by(program.format(""))[0] < 1000, "the test cannot tell"


def test_memory_goes_back_where_no_thread_can_be_started(monkeypatch):
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    return_freed()
