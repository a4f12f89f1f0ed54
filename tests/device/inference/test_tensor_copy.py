"""Copies of tensors, and Python's lock meanwhile."""

import subprocess
import sys

import numpy as np
import pytest

from device.inference.tensor_copy import copy_into, copy_of
from device.paths import ROOT

# Asked for by none before 1000 s are over, the lock goes to the thread that waits for it only from
# one that lets go of it by itself. To copy so much takes longer than to wake that thread.
RACE = """
import sys, threading
import numpy as np
from device.paths import ROOT
from device.inference.tensor_copy import copy_into
sys.setswitchinterval(1000)
source, target = np.ones(16 << 20, np.int8), np.zeros(16 << 20, np.int8)
gate, order = threading.Lock(), []
def run():
    with gate:
        order.append("ran")
gate.acquire()
thread = threading.Thread(target=run)
thread.start()
gate.release()
copy_into(target, source)
order.append("copied")
thread.join()
print(*order)
"""


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float16", "float32", "int64", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (1, 0, 3), (7,), (1, 5, 4, 3)])
def test_copy_is_equal_and_shares_nothing(dtype, shape):
    tensor = np.arange(np.prod(shape, dtype=int)).astype(dtype).reshape(shape)
    copied = copy_of(tensor)
    assert (copied.shape, copied.dtype) == (tensor.shape, tensor.dtype)
    assert np.array_equal(copied, tensor)
    assert not np.shares_memory(copied, tensor)


def test_copy_into_a_view_changes_what_it_is_a_view_of():
    whole = np.zeros((2, 3), np.int8)
    copy_into(whole[1], np.array([1, 2, 3], np.int8))
    assert whole.tolist() == [[0, 0, 0], [1, 2, 3]]


@pytest.mark.parametrize(("shape", "dtype"), [((4,), np.int8), ((3,), np.float32)])
def test_copy_of_another_size_is_refused(shape, dtype):
    with pytest.raises(ValueError, match="structure"):
        copy_into(np.zeros(3, np.int8), np.zeros(shape, dtype))


def test_no_other_thread_runs_during_a_copy():
    """In a process of its own: a thread of another test might ask for the lock meanwhile."""
    done = subprocess.run([sys.executable, "-c", RACE], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.split() == ["copied", "ran"], done.stderr
