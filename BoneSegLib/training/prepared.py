"""Cases as a network sees them: LPS axes, its resolution, its normalisation; on disk, mapped into memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from BoneSegLib.headless.atomic import replacing
from BoneSegLib.inference.normalize import make_normalizer
from BoneSegLib.inference.resample import AxisOrders, Shape, axis_orders, resample_image, resampled_shape
from BoneSegLib.models.plans import Resampling
from BoneSegLib.training.cases import label_points
from BoneSegLib.training.data.harmonise import StraightCase
from BoneSegLib.training.planning.network_plan import NetworkPlan

LABELS = Resampling(order=1, order_z=0, separate_z=None)
"""nnU-Net's default, which our plans.json repeats."""

_LABELS_END, _IMAGE_END, _ANSWER_END = "_labels.npy", "_image.npy", "_coarse.npy"


def prepared_path(folder: Path, case: str) -> Path:
    """The file of labels of a case; its presence says that the case is complete."""
    return folder / f"{case}{_LABELS_END}"


def is_prepared(folder: Path, case: str) -> bool:
    """Whether a case is complete; files that lost their end (no power, a broken copy) are made again."""
    try:
        open_prepared(prepared_path(folder, case))
    except (OSError, ValueError, EOFError):
        return False
    return True


def forget_prepared(folder: Path, case: str) -> None:
    """Deletes all that was made from a case, its labels first, which say that it is complete."""
    for end in (_LABELS_END, _IMAGE_END, _ANSWER_END):
        (folder / f"{case}{end}").unlink(missing_ok=True)
    label_points.cache_clear()


def open_prepared(labels: Path) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """(normalised image, labels) of a case, both kji; nothing is read until it is used."""
    image = labels.with_name(labels.name.removesuffix(_LABELS_END) + _IMAGE_END)
    return np.load(image, mmap_mode="r"), np.load(labels, mmap_mode="r")


def answer_path(folder: Path, case: str) -> Path:
    """Where the labels are that the network before found in a case."""
    return folder / f"{case}{_ANSWER_END}"


def open_answer(labels: Path) -> NDArray[np.uint8] | None:
    """What the network before found (labels, kji) in the case with this file of labels; ``None`` if not asked yet, or
    if the file lost its end: then it is asked again."""
    try:
        return np.load(answer_path(labels.parent, labels.name.removesuffix(_LABELS_END)), mmap_mode="r")
    except (FileNotFoundError, ValueError, EOFError):
        return None


def prepare_answer(case: StraightCase, plan: NetworkPlan, folder: Path, *, labels: int) -> None:
    """Writes ``case.labels``, as the network before found them, for the network of ``plan``."""
    k, j, i = case.image.shape
    shape = resampled_shape((k, j, i), case.spacing, plan.spacing)
    with replacing(answer_path(folder, case.name)) as path:
        np.save(path, _resampled_labels(case, plan, shape, labels=labels).numpy())


def prepare(case: StraightCase, plan: NetworkPlan, folder: Path, *, labels: int) -> None:
    """Writes a case for one network, by the code that prepares images at inference. Raises `ResourceError` when the
    disk is full."""
    folder.mkdir(parents=True, exist_ok=True)
    k, j, i = case.image.shape
    shape = resampled_shape((k, j, i), case.spacing, plan.spacing)
    image = _resampled_image(case, plan, shape)
    drawn = _resampled_labels(case, plan, shape, labels=labels)
    with replacing(folder / f"{case.name}{_IMAGE_END}") as path:
        np.save(path, image.numpy())
    with replacing(prepared_path(folder, case.name)) as path:
        np.save(path, drawn.numpy())


def _resampled_image(case: StraightCase, plan: NetworkPlan, shape: Shape) -> torch.Tensor:
    normalizer = make_normalizer(plan.normalization, case.image, intensity=plan.intensity, use_mask=False)
    orders = _orders(Resampling(order=plan.image_order, order_z=0, separate_z=None), case, plan)
    return _resized(lambda start, stop: normalizer(case.image[start:stop]), case, shape, orders)


def _resampled_labels(case: StraightCase, plan: NetworkPlan, shape: Shape, *, labels: int) -> torch.Tensor:
    """A voxel belongs to a label that fills half of it or more: nnU-Net's way."""
    orders = _orders(LABELS, case, plan)
    found = torch.zeros(shape, dtype=torch.uint8)
    for label in range(1, labels + 1):
        if (case.labels == label).any():
            found[_resized(partial(_mask, case.labels, label), case, shape, orders) >= 0.5] = label
    return found


def _mask(labels: NDArray[np.uint8], label: int, start: int, stop: int) -> torch.Tensor:
    return torch.from_numpy((labels[start:stop] == label).astype(np.float32))


def _orders(resampling: Resampling, case: StraightCase, plan: NetworkPlan) -> AxisOrders:
    return axis_orders(resampling, case.spacing, plan.spacing)


def _resized(
    read_slab: Callable[[int, int], torch.Tensor], case: StraightCase, shape: Shape, orders: AxisOrders
) -> torch.Tensor:
    k, j, i = case.image.shape
    return resample_image(read_slab, (k, j, i), shape, orders)
