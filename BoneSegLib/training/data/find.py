"""Which image belongs to which labels in a folder that somebody made."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from BoneSegLib.errors import InputError
from BoneSegLib.headless.image_file import IMAGE_SUFFIXES, stem
from BoneSegLib.headless.read import SEGMENTATION_SUFFIXES
from BoneSegLib.training.data.nnunet_raw import is_nnunet_raw, read_nnunet_raw, require_one_channel
from BoneSegLib.training.data.source import Pair, Source

LAYOUTS = (
    "Accepted are: nnU-Net's raw layout (imagesTr, labelsTr, dataset.json); two folders 'images' and 'labels' with "
    "files of the same name; files x_ct.nii.gz beside x_labels.nii.gz or x.seg.nrrd; one folder per patient with one "
    "image and one segmentation."
)
_IMAGE_FOLDERS = ("images", "imagesTr", "image")
_LABEL_FOLDERS = ("labels", "labelsTr", "label", "segmentations", "masks")
_LABEL_ENDING = re.compile(r"(?:^|[-_. ])(labels?|labelmap|seg|segmentation|masks?)$", re.IGNORECASE)
_IMAGE_ENDING = re.compile(r"(?:^|[-_. ])(ct|mr|mri|image|img|volume|scan|0000)$", re.IGNORECASE)


def find_source(folder: Path) -> Source:
    """The pairs of image and labels in ``folder``. Raises `InputError` when there is none, or when it is not clear."""
    if not folder.is_dir():
        raise InputError(f"There is no folder '{folder}'.", remedy="Check how the path is spelled.")
    if is_nnunet_raw(folder):
        source = read_nnunet_raw(folder)
    else:
        images = next((folder / name for name in _IMAGE_FOLDERS if (folder / name).is_dir()), None)
        labels = next((folder / name for name in _LABEL_FOLDERS if (folder / name).is_dir()), None)
        source = _pair_folders(images, labels) if images and labels else _pair_beside(folder)
    if not source.pairs:
        raise InputError(f"'{folder.name}' holds no image with labels.", cause=" ".join(source.notes), remedy=LAYOUTS)
    return source


def _pair_folders(images: Path, labels: Path) -> Source:
    """Files of one name below two folders; the endings that tell image from labels may differ."""
    by_name: dict[str, list[Path]] = defaultdict(list)
    for path in _files(images):
        by_name[_place(path, images)].append(path)
    drawn: dict[str, list[Path]] = defaultdict(list)
    for path in _files(labels):
        drawn[_place(path, labels)].append(path)
    return _matched(by_name, drawn)


def _pair_beside(folder: Path) -> Source:
    """Files beside each other; where a folder holds one image and one segmentation, their names do not matter."""
    images: dict[str, list[Path]] = defaultdict(list)
    drawn: dict[str, list[Path]] = defaultdict(list)
    by_folder: dict[Path, list[Path]] = defaultdict(list)
    for path in _files(folder):
        by_folder[path.parent].append(path)
    for parent, paths in by_folder.items():
        labels = [path for path in paths if _is_labels(path)]
        others = [path for path in paths if path not in labels]
        if len(labels) == len(others) == 1 and parent != folder:
            name = parent.relative_to(folder).as_posix().replace("/", "_")
            images[name], drawn[name] = others, labels
            continue
        for path in labels:
            drawn[_place(path, folder)].append(path)
        for path in others:
            images[_place(path, folder)].append(path)
    if len(images) == len(drawn) == 1 and set(images) != set(drawn):
        # One image and one segmentation, as Slicer saves a scene: "Segmentation.seg.nrrd" beside the volume.
        drawn = {next(iter(images)): next(iter(drawn.values()))}
    return _matched(images, drawn)


def _matched(images: dict[str, list[Path]], drawn: dict[str, list[Path]]) -> Source:
    for kind, files in (("images", images), ("label files", drawn)):
        for name, paths in files.items():
            if len(paths) > 1 and name in images and name in drawn:
                raise InputError(
                    f"It is not clear which of {len(paths)} {kind} belongs to case '{name}'.",
                    cause="They are: " + ", ".join(path.name for path in paths) + ".",
                    remedy="Keep one image and one label file per case.",
                )
    both = sorted(set(images) & set(drawn))
    require_one_channel(set(images) - set(drawn), both)
    notes = [
        f"{len(alone)} {kind} left out: {', '.join(alone[:5])}."
        for kind, alone in (
            ("images without labels were", sorted(set(images) - set(drawn))),
            ("label files without an image were", sorted(set(drawn) - set(images))),
        )
        if alone
    ]
    return Source(tuple(Pair(name, images[name][0], drawn[name][0]) for name in both), notes=tuple(notes))


def _files(folder: Path) -> list[Path]:
    endings = (*IMAGE_SUFFIXES, *SEGMENTATION_SUFFIXES)
    return sorted(path for path in folder.rglob("*") if path.name[0] != "." and path.name.lower().endswith(endings))


def _is_labels(path: Path) -> bool:
    return path.name.lower().endswith(SEGMENTATION_SUFFIXES) or bool(_LABEL_ENDING.search(stem(path)))


def _place(path: Path, folder: Path) -> str:
    """The name of the case that a file belongs to: its path without the ending that tells image from labels."""
    name = stem(path)
    short = _LABEL_ENDING.sub("", name) if _LABEL_ENDING.search(name) else _IMAGE_ENDING.sub("", name)
    parts = [*path.parent.relative_to(folder).parts, *([short] if short else [])]
    return "_".join(parts) or name
