"""The file that a training goes on from."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from BoneSegLib.errors import InputError


def write_checkpoint(path: Path, state: Mapping[str, Any]) -> None:
    """Writes it whole or not at all, also when the power fails."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        torch.save(dict(state), file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What was written, in the memory of the CPU. Raises `InputError` for a damaged file."""
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except (OSError, EOFError, RuntimeError, ValueError, LookupError, pickle.UnpicklingError) as error:
        raise InputError(
            f"The checkpoint '{path}' is damaged.",
            cause=str(error).partition("\n")[0].partition(". ")[0][:200],
            remedy="Delete it: the training of this network and fold begins again. Or put back a copy of it.",
        ) from error
