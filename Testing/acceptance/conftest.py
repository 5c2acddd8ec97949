"""What whole runs share."""

from __future__ import annotations

from pathlib import Path

import pytest

from Testing.support.nnunet_folder import write_quick_folder


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> Path:
    """A tiny model folder: whatever does not depend on what is found runs in a moment with it."""
    return write_quick_folder(tmp_path_factory.mktemp("model"))
