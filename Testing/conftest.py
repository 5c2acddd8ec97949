"""What the tests of every room share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real CT, which not every checkout has beside it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real CT of ../shared/data is not here")
    return folder


@pytest.fixture(scope="session")
def a_warm_process(tmp_path_factory) -> Iterator:
    """A process with the library loaded that forks for each trial (see `Testing.support.warm_process`)."""
    from Testing.support.warm_process import WarmProcess

    if not Path("/proc/self/statm").exists():
        pytest.skip("limits of memory are set as Linux has them")
    process = WarmProcess(tmp_path_factory.mktemp("trials"))
    yield process
    process.close()


@pytest.fixture
def a_scene() -> Iterator:
    """`slicer.mrmlScene` on slicer-core, cleared afterwards. Errors that VTK or MRML report fail the test."""
    from BoneSegLib.headless import ensure_runtime
    from BoneSegLib.headless.messages import capture_messages

    slicer = ensure_runtime()
    slicer.mrmlScene.Clear(0)
    with capture_messages() as messages:
        yield slicer.mrmlScene
        slicer.mrmlScene.Clear(0)
    assert not messages.errors, messages.errors
