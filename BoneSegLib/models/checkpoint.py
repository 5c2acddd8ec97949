"""Weights are data: a checkpoint is read without running any code it may hold."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from BoneSegLib.errors import ModelError

if TYPE_CHECKING:
    import torch

MAX_CHECKPOINT_BYTES = 4 * 2**30


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """``weights`` by parameter name, the ``configuration`` they belong to, the spatial axes that may be mirrored."""

    weights: dict[str, torch.Tensor]
    configuration: str
    mirror_axes: tuple[int, ...]


def load_checkpoint(path: Path) -> Checkpoint:
    """One fold's ``checkpoint_final.pth``. Raises `ModelError` for whatever is not plain tensors, numbers and text."""
    data = _load_plain_data(path)
    weights = data.get("network_weights")
    if not isinstance(weights, dict) or not all(_is_tensor(value) for value in weights.values()):
        raise ModelError(f"'{path.name}' holds no network weights.")
    arguments = data.get("init_args")
    axes = data.get("inference_allowed_mirroring_axes")
    return Checkpoint(
        weights=weights,
        configuration=str(arguments.get("configuration", "")) if isinstance(arguments, dict) else "",
        mirror_axes=tuple(int(axis) for axis in axes if int(axis) in (0, 1, 2)) if axes is not None else (),
    )


def _load_plain_data(path: Path) -> dict[str, Any]:
    import torch

    try:
        if path.stat().st_size > MAX_CHECKPOINT_BYTES:
            raise ModelError(f"'{path.name}' is too large to be a checkpoint of a supported network.")
        with torch.serialization.safe_globals(_numpy_scalars()):
            data = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ModelError(f"The model folder is incomplete: '{path.parent.name}/{path.name}' is missing.") from error
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"'{path.name}' was refused.",
            cause="It holds more than tensors, numbers and text, and could run code on this computer.",
            remedy="Use weights from a source you trust, saved as nnU-Net v2 saves them.",
        ) from error
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise ModelError(f"'{path.name}' is damaged or not a checkpoint.", cause=str(error)[:200]) from error
    if not isinstance(data, dict):
        raise ModelError(f"'{path.name}' is not a checkpoint of nnU-Net v2.")
    return data


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _numpy_scalars() -> list[Any]:
    """What a genuine nnU-Net checkpoint holds beside tensors: numpy numbers (named differently by numpy 1 and 2)."""
    import numpy as np

    scalar = np.float64(0).__reduce__()[0]
    kinds = [np.float64, np.float32, np.int64, np.int32, np.bool_]
    return [
        scalar,
        (scalar, "numpy.core.multiarray.scalar"),
        (scalar, "numpy._core.multiarray.scalar"),
        np.dtype,
        *(type(np.dtype(kind)) for kind in kinds),
    ]
