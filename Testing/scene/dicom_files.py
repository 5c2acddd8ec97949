"""Real DICOM series, written for a test with ITK and GDCM."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import SimpleITK

from BoneSegLib.volume import Geometry

_TO_LPS = np.diag([-1.0, -1.0, 1.0])


def write_series(
    folder: Path,
    array: np.ndarray,
    geometry: Geometry,
    *,
    uid: str = "1.2.826.0.1.3680043.2.1143.1",
    modality: str = "CT",
    image_type: str = "ORIGINAL\\PRIMARY\\AXIAL",
    description: str = "pelvis",
    leave_out: tuple[int, ...] = (),
) -> list[Path]:
    """One file a slice, under shuffled names, stored as HU + 1024 with RescaleIntercept -1024; the files by slice.

    Each slice has its own position, so a sheared geometry gives the series of a tilted gantry.
    """
    folder.mkdir(exist_ok=True)
    names = list(range(len(array)))
    random.Random(len(array)).shuffle(names)
    matrix = geometry.ijk_to_ras
    rows, columns = (_TO_LPS @ geometry.directions)[:, :2].T
    writer = SimpleITK.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.KeepOriginalImageUIDOn()
    files = []
    for k, name in enumerate(names):
        if k in leave_out:
            continue
        image = SimpleITK.GetImageFromArray(array[k : k + 1].astype(np.int16))
        image.SetSpacing((geometry.spacing[0], geometry.spacing[1], 1.0))
        position = _TO_LPS @ (matrix[:3, :3] @ (0, 0, k) + matrix[:3, 3])
        tags = {
            "0008|0008": image_type,
            "0008|0060": modality,
            "0008|103e": description,
            "0008|0016": "1.2.840.10008.5.1.4.1.1.2",
            "0008|0018": f"{uid}.{k + 1}",
            "0020|000d": "1.2.826.0.1.3680043.2.1143",
            "0020|000e": uid,
            "0020|0013": str(k + 1),
            "0020|0032": "\\".join(f"{number:.6f}" for number in position),
            "0020|0052": "1.2.826.0.1.3680043.2.1143.9",
            "0020|0037": "\\".join(f"{number:.8f}" for number in (*rows, *columns)),
            "0028|1052": "-1024",
            "0028|1053": "1",
        }
        for key, value in tags.items():
            image.SetMetaData(key, value)
        file = folder / f"IM{name:04d}_{uid.rsplit('.', 1)[-1]}.dcm"
        writer.SetFileName(str(file))
        writer.Execute(image)
        files.append(file)
    return files
