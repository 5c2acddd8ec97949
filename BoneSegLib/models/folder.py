"""A model folder: one trained nnU-Net v2 folder, or `boneseg.json` with one such folder per stage.

`read_model` reads and checks the texts; weights are loaded when a stage is first run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from BoneSegLib.anatomy import BY_ID, Structure, foreign_structure
from BoneSegLib.errors import ModelError
from BoneSegLib.models.dataset import Dataset, parse_dataset
from BoneSegLib.models.integrity import inside
from BoneSegLib.models.jsonfile import Fields, read_json_object
from BoneSegLib.models.model import CHECKPOINT, Model, Stage
from BoneSegLib.models.plans import parse_plans

MANIFEST = "boneseg.json"


def read_model(folder: Path) -> Model:
    """Reads a model folder. Raises `ModelError` when it is incomplete, inconsistent or of an unsupported kind."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ModelError(
            f"There is no model folder '{folder.name}'.",
            remedy="Check the path; 'bundled' is the bundled model.",
        )
    if (folder / MANIFEST).is_file():
        return _read_bundle(folder)
    return _read_plain(_trained_folder(folder))


def _read_bundle(folder: Path) -> Model:
    manifest = read_json_object(folder / MANIFEST)
    fields = Fields(manifest, MANIFEST)
    qualities: dict[str, tuple[str, ...]] = {}
    for quality, names in fields.object("stages").items():
        if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
            raise ModelError(f"{MANIFEST}: the stages of '{quality}' should be a list of configurations.")
        qualities[quality] = tuple(names)
    if set(qualities) != {"fast", "full"}:
        raise ModelError(f"{MANIFEST}: field 'stages' should have 'fast' and 'full'.")
    stages: dict[str, Stage] = {}
    for names in qualities.values():
        for position, name in enumerate(names):
            if name not in stages:
                stages[name] = _read_stage(inside(folder, f"nnUNetTrainer__nnUNetPlans__{name}"), name)
            if stages[name].is_cascaded != (position > 0):
                raise ModelError(f"{MANIFEST}: stage '{name}' stands at the wrong place of its cascade.")
    dataset = next(iter(stages.values())).dataset
    if any(stage.dataset.labels != dataset.labels for stage in stages.values()):
        raise ModelError("The stages of the model do not agree on their labels.")
    if len({stage.plans.transpose for stage in stages.values()}) > 1:
        raise ModelError("The stages of the model do not agree on the order of the image's axes (transpose_forward).")
    structures, network_labels = _listed_structures(fields.object("structures"), dataset)
    return Model(
        name=fields.text("name"),
        version=str(fields.raw("version", "")),
        folder=folder,
        stages=stages,
        qualities=qualities,
        steps=_steps(fields),
        structures=structures,
        network_labels=network_labels,
        canonical=fields.raw("orientation", "") == "LPS",
        pads_with_air=fields.raw("padding", "") == "air",
        manifest=manifest,
    )


def _steps(fields: Fields) -> dict[str, float]:
    steps = Fields(fields.object("step", {}), f"{MANIFEST}, step")
    found = {quality: steps.number(quality) for quality in ("fast", "full") if quality in steps}
    if not all(0.1 <= step <= 1 for step in found.values()):
        raise ModelError(f"{MANIFEST}: the step of windows should be from 0.1 to 1.")
    return found


def _read_plain(folder: Path) -> Model:
    """A trained nnU-Net folder as it is: whatever it was trained to find, seen as stored, padded as nnU-Net pads."""
    configuration = _configuration_of(folder)
    stage = _read_stage(folder, configuration)
    if stage.is_cascaded:
        raise ModelError(
            f"The model's configuration '{configuration}' needs the result of another network first.",
            remedy="Put both stages into one folder with a boneseg.json (see BoneSegLib/models/README.md).",
        )
    labels = stage.dataset.labels
    if set(labels) - {"other_bone"} <= set(BY_ID):
        structures, network_labels = _listed_structures({n: v for n, v in labels.items() if n in BY_ID}, stage.dataset)
    else:
        structures = tuple(foreign_structure(value, name) for name, value in labels.items())
        network_labels = dict(labels)
    return Model(
        name=folder.name if folder.name.startswith("Dataset") else f"{folder.parent.name}/{folder.name}".lstrip("/"),
        version="",
        folder=folder,
        stages={configuration: stage},
        qualities={"fast": (configuration,), "full": (configuration,)},
        steps={},
        structures=structures,
        network_labels=network_labels,
        canonical=False,
        pads_with_air=False,
    )


def _trained_folder(folder: Path) -> Path:
    """The folder itself, or the only trained model inside it (people point at the DatasetNNN folder above)."""
    if (folder / "plans.json").exists() or (folder / "dataset.json").exists():
        return folder
    inner = [path.parent for path in sorted(folder.glob("*/plans.json"))]
    if len(inner) == 1:
        return inner[0]
    if inner:
        names = ", ".join(path.name for path in inner)
        raise ModelError(f"'{folder.name}' holds several models.", remedy=f"Choose one of: {names}.")
    raise ModelError(
        f"'{folder.name}' is not a model folder: it has neither {MANIFEST} nor plans.json.",
        remedy="Give a trained nnU-Net v2 model folder: plans.json, dataset.json and fold_N/checkpoint_final.pth.",
    )


def _configuration_of(folder: Path) -> str:
    """The configuration that a trained folder holds, told by its name (trainer__plans__configuration) or its plans."""
    names = list(parse_plans(read_json_object(folder / "plans.json")).configurations)
    told = folder.name.rsplit("__", 1)[-1]
    if told in names:
        return told
    from BoneSegLib.models.checkpoint import load_checkpoint

    folds = _folds_in(folder)
    configuration = load_checkpoint(folder / f"fold_{folds[0]}" / CHECKPOINT).configuration
    if configuration not in names:
        raise ModelError(f"It is not clear which configuration of plans.json '{folder.name}' holds.")
    return configuration


def _read_stage(folder: Path, configuration: str) -> Stage:
    plans = parse_plans(read_json_object(folder / "plans.json"))
    dataset = parse_dataset(read_json_object(folder / "dataset.json"))
    parsed = plans.configuration(configuration)
    if len(parsed.normalizations) != len(dataset.channels):
        raise ModelError("plans.json and dataset.json do not agree on the number of input channels.")
    if "CTNormalization" in parsed.normalizations and not plans.intensities:
        raise ModelError("plans.json has no intensity properties, which CT normalisation needs.")
    return Stage(folder=folder, plans=plans, dataset=dataset, configuration=parsed, folds=_folds_in(folder))


def _folds_in(folder: Path) -> tuple[str, ...]:
    folds = sorted(path.parent.name.removeprefix("fold_") for path in folder.glob(f"fold_*/{CHECKPOINT}"))
    if not folds:
        raise ModelError(f"The model folder is incomplete: '{folder.name}' has no fold_N/{CHECKPOINT}.")
    numbered = tuple(fold for fold in folds if fold.isdigit())
    return numbered or ("all",)


def _listed_structures(listed: dict[str, Any], dataset: Dataset) -> tuple[tuple[Structure, ...], dict[str, int]]:
    """Our bones, if all that is listed are such; otherwise structures called and numbered as the dataset has them."""
    if not listed:
        raise ModelError(f"{MANIFEST} lists no structure.")
    for name, value in listed.items():
        known = value in dataset.labels.values() if name in BY_ID else dataset.labels.get(name) == value
        if not known:
            raise ModelError(f"{MANIFEST}: structure '{name}' (label {value}) is not one that the network knows.")
    if set(listed) <= set(BY_ID):
        structures = tuple(structure for name, structure in BY_ID.items() if name in listed)
    else:
        structures = tuple(foreign_structure(int(value), name) for name, value in listed.items())
    return structures, {structure.id: int(listed[structure.id]) for structure in structures}
