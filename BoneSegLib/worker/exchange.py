"""The layout of one run's shared memory: arrays of one shape, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from BoneSegLib.worker.messages import Message
from BoneSegLib.worker.shared_memory import SharedMemory

LABELS = np.dtype(np.uint8)


@dataclass(frozen=True, eq=False)
class Exchange:
    """Arrays (kji, of one shape) in memory that both processes see.

    A run that finds labels has the image and room for them; a comparison has both sides, and a mask if there is one.
    """

    memory: SharedMemory
    arrays: tuple[np.ndarray, ...]

    @classmethod
    def create(cls, shape: tuple[int, int, int], dtypes: Sequence[np.dtype]) -> Exchange:
        return cls._in(SharedMemory.create(_starts(shape, dtypes)[-1]), shape, dtypes)

    @classmethod
    def open(cls, message: Message) -> Exchange:
        """The exchange that `address` describes."""
        shape, dtypes = tuple(message["shape"]), [np.dtype(each) for each in message["dtypes"]]
        return cls._in(SharedMemory.open(message["memory"], _starts(shape, dtypes)[-1]), shape, dtypes)

    @classmethod
    def _in(cls, memory: SharedMemory, shape: tuple[int, ...], dtypes: Sequence[np.dtype]) -> Exchange:
        starts = _starts(shape, dtypes)[:-1]
        return cls(
            memory, tuple(memory.array(*each) for each in zip(starts, [shape] * len(starts), dtypes, strict=True))
        )

    @property
    def image(self) -> np.ndarray:
        return self.arrays[0]

    @property
    def labels(self) -> np.ndarray:
        return self.arrays[1]

    def address(self) -> Message:
        """What the other process needs to open it."""
        dtypes = [array.dtype.str for array in self.arrays]
        return {"memory": self.memory.name, "shape": list(self.image.shape), "dtypes": dtypes}

    def reserve_planes(self, first: int, stop: int) -> None:
        """Makes sure of the bytes of these planes, of each array."""
        starts = _starts(self.image.shape, [array.dtype for array in self.arrays])
        for offset, array in zip(starts, self.arrays, strict=False):
            plane = array.strides[0]
            self.memory.reserve(offset + first * plane, (stop - first) * plane)


def _starts(shape: tuple[int, ...], dtypes: Sequence[np.dtype]) -> list[int]:
    """Where each array begins, in bytes, and at last where the memory ends."""
    starts = [0]
    for dtype in dtypes:
        size = int(np.prod(shape)) * dtype.itemsize
        starts.append(starts[-1] + -(-size // 64) * 64)
    return starts
