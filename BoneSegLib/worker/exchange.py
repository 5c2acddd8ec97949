"""The layout of one run's shared memory: the image, then the labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from BoneSegLib.worker.messages import Message
from BoneSegLib.worker.shared_memory import SharedMemory


@dataclass(frozen=True, eq=False)
class Exchange:
    """Image and labels (both kji, of one shape) in memory that both processes see."""

    memory: SharedMemory
    image: np.ndarray
    labels: np.ndarray

    @classmethod
    def create(cls, shape: tuple[int, int, int], dtype: np.dtype) -> Exchange:
        return cls._in(SharedMemory.create(_size(shape, dtype)), shape, dtype)

    @classmethod
    def open(cls, message: Message) -> Exchange:
        """The exchange that `address` describes."""
        shape, dtype = tuple(message["shape"]), np.dtype(message["dtype"])
        return cls._in(SharedMemory.open(message["memory"], _size(shape, dtype)), shape, dtype)

    @classmethod
    def _in(cls, memory: SharedMemory, shape: tuple[int, ...], dtype: np.dtype) -> Exchange:
        start = _start_of_labels(shape, dtype)
        return cls(memory, memory.array(0, shape, dtype), memory.array(start, shape, np.dtype(np.uint8)))

    def address(self) -> Message:
        """What the other process needs to open it."""
        return {"memory": self.memory.name, "shape": list(self.image.shape), "dtype": self.image.dtype.str}

    def reserve_planes(self, first: int, stop: int) -> None:
        """Makes sure of the bytes of these planes, of the image and of the labels."""
        start = _start_of_labels(self.image.shape, self.image.dtype)
        for offset, array in ((0, self.image), (start, self.labels)):
            plane = array.strides[0]
            self.memory.reserve(offset + first * plane, (stop - first) * plane)


def _start_of_labels(shape: tuple[int, ...], dtype: np.dtype) -> int:
    bytes_of_image = int(np.prod(shape)) * dtype.itemsize
    return -(-bytes_of_image // 64) * 64


def _size(shape: tuple[int, ...], dtype: np.dtype) -> int:
    return _start_of_labels(shape, dtype) + int(np.prod(shape))
