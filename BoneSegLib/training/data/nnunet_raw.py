"""nnU-Net's raw layout: imagesTr/CASE_0000.SUFFIX, labelsTr/CASE.SUFFIX and dataset.json."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from BoneSegLib.errors import InputError
from BoneSegLib.headless.image_file import IMAGE_SUFFIXES, stem
from BoneSegLib.json_input import read_json
from BoneSegLib.label_rules import is_background
from BoneSegLib.training.data.source import Pair, Source

_CHANNEL = "_0000"


def is_nnunet_raw(folder: Path) -> bool:
    """Whether a folder is laid out as nnU-Net's raw datasets are."""
    return (folder / "dataset.json").is_file() and (folder / "imagesTr").is_dir() and (folder / "labelsTr").is_dir()


def read_nnunet_raw(folder: Path) -> Source:
    """The pairs of an nnU-Net dataset, format of version 2 or 1.

    Raises `InputError` for several input channels, for regions and for a label file without its image.
    """
    data = read_json(folder / "dataset.json")
    channels, labels = data.get("channel_names", data.get("modality")), data.get("labels")
    if not isinstance(channels, dict) or not isinstance(labels, dict):
        raise InputError(
            f"dataset.json of '{folder.name}' is incomplete.", cause="It should have 'channel_names' and 'labels'."
        )
    if len(channels) != 1:
        raise InputError(
            f"'{folder.name}' has {len(channels)} input channels.",
            cause="dataset.json names: " + (", ".join(str(name) for name in channels.values()) or "none") + ".",
            remedy="Keep one image per patient, with the ending _0000, and one entry in channel_names.",
        )
    images = {stem(path): path for path in _files(folder / "imagesTr")}
    pairs, missing = [], []
    for path in _files(folder / "labelsTr"):
        name = stem(path)
        image = images.get(name + _CHANNEL)
        if image is None:
            missing.append(name)
        else:
            pairs.append(Pair(name, image, path))
    if missing:
        raise InputError(
            f"{len(missing)} label files of '{folder.name}' have no image: {', '.join(missing[:5])}.",
            remedy=f"Put each image into imagesTr, called CASE{_CHANNEL}.nii.gz.",
        )
    without = sorted(set(images) - {pair.name + _CHANNEL for pair in pairs})
    require_one_channel(without, [pair.name for pair in pairs])
    notes = (f"{len(without)} images without labels were left out: {', '.join(without[:5])}.",) if without else ()
    return Source(tuple(pairs), str(next(iter(channels.values()))), _label_names(labels), notes)


def require_one_channel(without_labels: Collection[str], cases: Collection[str]) -> None:
    """Raises `InputError` where images without labels are further images of a case: p7_0001 beside p7."""
    for name in sorted(without_labels):
        case, _, number = name.rpartition("_")
        if len(number) == 4 and number.startswith("00") and number.isdigit() and case in cases:
            raise InputError(
                f"Case '{case}' has several images.",
                cause=f"'{name}' is another input channel of it; networks here see one image per patient.",
                remedy=f"Keep the image that shows most, with the ending {_CHANNEL}, and move the others away.",
            )


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.name[0] != "." and p.name.lower().endswith(IMAGE_SUFFIXES))


def _label_names(labels: dict[str, object]) -> dict[str, int]:
    """Name -> value, without the background; version 1 of the format has them the other way round."""
    names = {}
    for key, content in labels.items():
        name, value = (str(content), key) if key.isdigit() and isinstance(content, str) else (key, content)
        if isinstance(value, list):
            raise InputError(
                f"dataset.json: label '{name}' is a region of several values.",
                remedy="Say which values make which label: --labels name=1,2 other=3",
            )
        if name == "ignore":
            raise InputError(
                "dataset.json has an 'ignore' label, which is not supported.",
                remedy="Leave out the cases that are not drawn in full.",
            )
        if not str(value).strip().isdigit():
            raise InputError(
                f"dataset.json: label '{name}' has the value {value!r}.",
                remedy='Write whole numbers, as in {"background": 0, "liver": 1}.',
            )
        if not is_background(name):
            names[name] = int(str(value))
    return names
