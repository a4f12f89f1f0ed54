"""Stands in for the kernel's DMA heaps: buffers are memory files, and need no flushing.

Picamera2's own allocator runs on them; only the device that it asks for memory, and the ioctl
by which it announces reading, are replaced.
"""

import os

import picamera2.allocators.dmaallocator as allocator
import picamera2.dma_heap as heap
from picamera2.dma_heap import DMA_BUF_IOCTL_SYNC, UniqueFD


class MemoryHeap:
    """As Picamera2's DmaHeap."""

    def alloc(self, name: str, size: int) -> UniqueFD:
        number = os.memfd_create(name)
        os.truncate(number, size)
        return UniqueFD(number)

    def close(self) -> None:
        """Nothing is held."""


class Fcntl:
    """As the module fcntl, for the one thing the allocator asks of it."""

    @staticmethod
    def ioctl(number: int, request: int, argument: object) -> int:
        assert request == DMA_BUF_IOCTL_SYNC
        os.fstat(number)  # raises for a file that is closed
        return 0


def install() -> None:
    heap.DmaHeap = allocator.DmaHeap = MemoryHeap
    allocator.fcntl = Fcntl
