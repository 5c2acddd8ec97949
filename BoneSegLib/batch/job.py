"""What all cases of a batch have in common."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from BoneSegLib.batch.folder import OutputFolder
from BoneSegLib.options import SegmentOptions

if TYPE_CHECKING:
    from BoneSegLib.anatomy import Structure
    from BoneSegLib.label_rules import LabelRules
    from BoneSegLib.models.model import Model


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What was asked for, as plain data that can be sent to other machines.

    ``tolerance_mm``: of NSD. ``reference_labels``: what the values of references mean (``None``: the structures' own).
    ``adopt``: keep whole outputs that are there already. ``meshes``: the folder for surfaces of the bones (``None``:
    none are made), in ``mesh_format``.
    """

    folder: OutputFolder
    options: SegmentOptions
    tolerance_mm: float = 2.0
    reference_labels: LabelRules | None = None
    adopt: bool = False
    meshes: Path | None = None
    mesh_format: str = "stl"


@dataclass(frozen=True, kw_only=True)
class Job(Plan):
    """A plan with its model at hand. ``structures``: those asked for."""

    model: Model
    model_sha256: str
    structures: tuple[Structure, ...]


def open_job(plan: Plan) -> Job:
    """Loads the model and checks what would make every case fail. Raises a `BoneSegError`."""
    from BoneSegLib.anatomy import select_structures
    from BoneSegLib.inference.device import choose_device
    from BoneSegLib.inference.loading import load_model
    from BoneSegLib.models.integrity import model_hash

    model = load_model(plan.options.model)
    structures = select_structures(plan.options.structures, known=model.structures)
    if plan.reference_labels is not None:
        select_structures(plan.reference_labels.names, known=model.structures)
    choose_device(plan.options.device)
    chosen = {one.name: getattr(plan, one.name) for one in fields(Plan)}
    return Job(**chosen, model=model, model_sha256=model_hash(model), structures=structures)
