"""Reads the next image while the present one is computed."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from BoneSegLib.batch.cases import Case

if TYPE_CHECKING:
    from BoneSegLib.headless.dicom_series import Series
    from BoneSegLib.volume import Volume


@dataclass(frozen=True, eq=False)
class ReadImage:
    """An image as it was read, what was said about it, how long it took, and the files of its DICOM series."""

    volume: Volume
    notes: tuple[str, ...]
    seconds: float
    files: tuple[Path, ...] = ()


def read_case(case: Case, *, force: bool) -> ReadImage:
    """The image of a case; needs no MRML, so it may run in any thread. Raises `BoneSegError`."""
    from BoneSegLib.headless.dicom_read import read_series
    from BoneSegLib.headless.dicom_series import choose_series
    from BoneSegLib.headless.read import find_series, read_volume

    if case.problem is not None:
        raise case.problem
    started = time.monotonic()
    notes: list[str] = []
    if case.image.is_dir():
        series: Series | None = choose_series(_series_in(case.image), uid=case.series, force=force)
    else:
        series = find_series(case.image, series=case.series, force=force)
    if series is not None:
        volume = read_series(series, force=force, warn=notes.append)
    else:
        volume = read_volume(case.image, force=force, warn=notes.append)
    return ReadImage(volume, tuple(notes), time.monotonic() - started, series.files if series else ())


@lru_cache(maxsize=1)
def _series_in(folder: Path) -> tuple[Series, ...]:
    """Kept for the next case, which often lies in the same folder; thousands of headers are slow to read."""
    from BoneSegLib.headless.dicom_series import list_series

    return list_series(folder)


class Reader:
    """One thread that reads one case ahead, so that two images at most are in memory."""

    def __init__(self, *, force: bool) -> None:
        self._force = force
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="boneseg-reader")
        self._ahead: tuple[Case, Future[ReadImage]] | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ahead = None
        self._pool.shutdown(wait=True, cancel_futures=True)

    def start(self, case: Case) -> None:
        """Begins to read a case in the background."""
        self._ahead = (case, self._pool.submit(read_case, case, force=self._force))

    def take(self, case: Case) -> ReadImage:
        """The image of a case, read ahead or now. Raises what went wrong with it."""
        ahead, self._ahead = self._ahead, None
        if ahead is None or ahead[0] is not case:
            return read_case(case, force=self._force)
        try:
            return ahead[1].result()
        except MemoryError:
            # Two images did not fit beside the network; this one alone may.
            return read_case(case, force=self._force)
