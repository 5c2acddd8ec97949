"""A model judged on everything that is given: cases with references, negatives, images without labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from BoneSegLib.errors import InputError, UsageError
from BoneSegLib.evaluation.cohort import Cohort
from BoneSegLib.evaluation.compare import compare_labelmaps
from BoneSegLib.evaluation.options import CompareOptions
from BoneSegLib.headless.image_file import IMAGE_SUFFIXES
from BoneSegLib.headless.read import read_volume
from BoneSegLib.inference.bones import bone_limits, knows_bones_alone, names_first
from BoneSegLib.inference.drafts import drafts_of
from BoneSegLib.inference.engine import segment
from BoneSegLib.inference.loading import load_model
from BoneSegLib.inference.looks import second_looks
from BoneSegLib.inference.vertebrae import vertebra_chain
from BoneSegLib.models.model import Model
from BoneSegLib.options import SegmentOptions
from BoneSegLib.training.assessment.cleaning import dice_after_steps, dice_by_structure
from BoneSegLib.training.assessment.distortions import DISTORTIONS
from BoneSegLib.training.assessment.label_free import dense_share, plausibility_of, volumes_ml
from BoneSegLib.training.assessment.references import Judged, case_names, read_references
from BoneSegLib.volume import LabelMap, Volume

Row = dict[str, object]
Tell = Callable[[str], object]

CLEANED = "islands and holes (default)"
NO_SECOND_LOOK = "islands and holes, the first network shown the image once (--no-second-look)"
NO_DISCS = "islands and holes, names of vertebrae not at discs (--no-discs)"
KEEP_UNNAMED = "islands and holes, bones of which the first network named next to nothing kept (--keep-unnamed)"
KEEP_LIFTED = "islands and holes, femurs above the middle of the sacrum kept (--keep-lifted)"
NO_DRAFTS = "islands and holes, the finer network asked once (--drafts 0)"
NO_REFINE = "islands and holes, edges as the network has them (--no-refine)"


@dataclass(frozen=True, kw_only=True)
class AssessOptions:
    """``segment``: model, quality, device. ``labels``: words of ``--labels`` for the references. ``levels``: distortion
    -> levels, for robustness; empty for none; ``robustness_cases``: names of the cases that are distorted, empty for
    all. ``cleaning``: measure each step of post-processing, and what a second look, names at discs, bones without a
    name, lifted femurs, drafts and moved edges do."""

    segment: SegmentOptions
    labels: tuple[str, ...] = ()
    levels: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    robustness_cases: tuple[str, ...] = ()
    cleaning: bool = False
    tolerance_mm: float = 2.0


@dataclass(frozen=True, eq=False, kw_only=True)
class Assessment:
    """Tables of rows; empty where nothing was given. Columns are the keys of the rows."""

    model: str
    version: str
    quality: str
    accuracy: Cohort
    cleaning: tuple[Row, ...]
    robustness: tuple[Row, ...]
    negatives: tuple[Row, ...]
    plausibility: tuple[Row, ...]


def assess(
    options: AssessOptions,
    *,
    cases: Sequence[Path] = (),
    negatives: Sequence[Path] = (),
    unlabelled: Sequence[Path] = (),
    tell: Tell = lambda message: None,
) -> Assessment:
    """Segments each image once, and once more for each distortion. Raises the errors of reading and of the engine."""
    model = load_model(options.segment.model)
    _require_known(options.robustness_cases, case_names(cases))
    without_bones, without_labels = _images(negatives), _images(unlabelled)
    comparisons, cleaning, robustness = {}, [], []
    for folder in cases:
        for case in read_references(folder, model, options.labels):
            tell(f"Comparing {case.name}")
            found = segment(case.image, replace(options.segment, force=True))
            told = tuple(structure.id for structure in case.reference.structures)  # of others nothing is known
            settings = CompareOptions(tolerance_mm=options.tolerance_mm, structures=told)
            comparisons[case.name] = compare_labelmaps(case.reference, found, options=settings)
            if options.cleaning:
                cleaning += _cleaning_rows(case, found, options.segment, model)
                cleaning += _rows_without(case, options, model, tell)
            if not options.robustness_cases or case.name in options.robustness_cases:
                robustness += list(_robustness_rows(case, found, options, tell))
    return Assessment(
        model=model.name,
        version=model.version,
        quality=options.segment.quality,
        accuracy=Cohort.of(comparisons),
        cleaning=tuple(cleaning),
        robustness=tuple(robustness),
        negatives=tuple(_negative_rows(without_bones, options, tell)),
        plausibility=tuple(_plausibility_rows(without_labels, options, tell, is_ct=model.dataset.is_ct)),
    )


def mean_of(values: Iterator[float] | Sequence[float]) -> float:
    """The mean of the finite ones; nan for none."""
    finite = [value for value in values if math.isfinite(value)]
    return math.fsum(finite) / len(finite) if finite else math.nan


def _require_known(asked: Sequence[str], names: Sequence[str]) -> None:
    for name in asked:
        if name not in names:
            raise UsageError(f"There is no case '{name}'.", remedy="There are: " + ", ".join(names[:10]) + ".")


def _cleaning_rows(case: Judged, found: LabelMap, options: SegmentOptions, model: Model) -> list[Row]:
    """``found``: with ``options`` as they are."""
    # Segmented once without post-processing, which is then done here, so that its steps can be told apart.
    raw = segment(case.image, replace(options, force=True, drop_islands=False, fill_holes=False))
    bones = bone_limits(model, options.quality, raw.geometry.spacing[::-1])
    dice = dice_after_steps(raw, case.reference, bones=bones)
    if options.drop_islands and options.fill_holes:
        dice[CLEANED] = dice_by_structure(found, case.reference)
    return [
        {"case": case.name, "step": step, "structure": structure, "dice": value}
        for step, each in dice.items()
        for structure, value in each.items()
    ]


def _rows_without(case: Judged, options: AssessOptions, model: Model, tell: Tell) -> Iterator[Row]:
    """The default less one of the steps on bones in CT, each that the model has."""
    default = options.segment
    if not (default.drop_islands and default.fill_holes and model.dataset.is_ct):
        return
    without = {}
    if second_looks(model, default):
        without[NO_SECOND_LOOK] = replace(default, force=True, second_look=False)
    if default.discs and vertebra_chain(model.dataset.labels):
        without[NO_DISCS] = replace(default, force=True, discs=False)
    if default.drop_unnamed and names_first(model, default.quality):
        without[KEEP_UNNAMED] = replace(default, force=True, drop_unnamed=False)
    if default.drop_lifted and names_first(model, default.quality):
        without[KEEP_LIFTED] = replace(default, force=True, drop_lifted=False)
    if drafts_of(model, default):
        without[NO_DRAFTS] = replace(default, force=True, drafts=0)
    if default.refine and knows_bones_alone(model.dataset):
        without[NO_REFINE] = replace(default, force=True, refine=False)
    for step, chosen in without.items():
        tell(f"{case.name}: {step}")
        found = segment(case.image, chosen)
        for structure, dice in dice_by_structure(found, case.reference).items():
            yield {"case": case.name, "step": step, "structure": structure, "dice": dice}


def _robustness_rows(case: Judged, found: LabelMap, options: AssessOptions, tell: Tell) -> Iterator[Row]:
    """``found``: of the case as it is, which the first levels leave alone."""
    for kind, levels in options.levels.items():
        for level in levels:
            tell(f"{case.name}: {kind} {level:g}")
            changed = DISTORTIONS[kind].apply(case, level)
            as_it_is = changed.image.geometry.matches(case.image.geometry) and np.array_equal(
                changed.image.array, case.image.array
            )
            labels = found if as_it_is else segment(changed.image, replace(options.segment, force=True))
            for structure, dice in dice_by_structure(labels, changed.reference).items():
                yield {"case": case.name, "kind": kind, "level": float(level), "structure": structure, "dice": dice}


def _negative_rows(paths: Sequence[Path], options: AssessOptions, tell: Tell) -> Iterator[Row]:
    for name, image in _read(paths):
        tell(f"Looking for false positives in {name}")
        volumes = volumes_ml(segment(image, replace(options.segment, force=True)))
        yield {"case": name, **volumes, "total_ml": math.fsum(volumes.values())}


def _plausibility_rows(paths: Sequence[Path], options: AssessOptions, tell: Tell, *, is_ct: bool) -> Iterator[Row]:
    for name, image in _read(paths):
        tell(f"Looking at {name}")
        found = segment(image, replace(options.segment, force=True))
        for row in plausibility_of(image, found, is_ct=is_ct):
            yield {"case": name, **asdict(row)}
        yield {"case": name, "structure": "all", "volume_ml": math.fsum(volumes_ml(found).values()), "pieces": "",
               "largest_share": "", "dense_share": dense_share(image, found) if is_ct else math.nan,
               "flags": ""}  # fmt: skip


def _images(paths: Sequence[Path]) -> list[Path]:
    """The images themselves, and those in folders; told before anything is segmented if one is not there."""
    images: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"'{path}' does not exist.", remedy="Check how the path is spelled.")
        inside = [one for one in sorted(path.glob("*")) if one.name.lower().endswith(IMAGE_SUFFIXES)]
        if path.is_dir() and not inside and not any(path.iterdir()):
            raise InputError(f"There is no image in '{path.name}'.")
        images += inside or [path]
    return images


def _read(paths: Sequence[Path]) -> Iterator[tuple[str, Volume]]:
    for path in paths:
        image = read_volume(path)
        yield image.name or path.name, image
