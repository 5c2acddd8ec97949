"""One picture of a result: three slices and the bones in 3D (`python -m BoneSegLib.report.overview CT BONES PNG`)."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from BoneSegLib.evaluation.contours import png_bytes
from BoneSegLib.report.pictures import bone_surfaces, slice_pictures
from BoneSegLib.volume import LabelMap, Volume

HEIGHT = 420
GAP = 6


def overview_picture(volume: Volume, labels: LabelMap) -> np.ndarray:
    """An RGB picture (rows, columns, 3; uint8): axial, coronal and sagittal slice in a row, the 3D view under them."""
    row = _side_by_side([_with_height(picture, HEIGHT) for picture in slice_pictures(volume, labels)])
    view = _view(labels)
    if view is None:
        return row
    below = _with_width(view, row.shape[1])
    return np.vstack([row, np.zeros((GAP, row.shape[1], 3), np.uint8), below])


def _side_by_side(pictures: list[np.ndarray]) -> np.ndarray:
    gap = np.zeros((HEIGHT, GAP, 3), np.uint8)
    parts = [part for picture in pictures for part in (picture, gap)]
    return np.hstack(parts[:-1])


def _view(labels: LabelMap) -> np.ndarray | None:
    from BoneSegLib.errors import MissingError
    from BoneSegLib.evaluation.surface_view import draw_surfaces

    surfaces = bone_surfaces(labels)
    if not surfaces:
        return None
    import SimpleITK as sitk

    try:
        png = draw_surfaces(surfaces)
    except MissingError:
        return None
    with tempfile.TemporaryDirectory(prefix="boneseg-") as folder:
        path = Path(folder) / "view.png"
        path.write_bytes(png)
        return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))[..., :3]


def _with_height(picture: np.ndarray, height: int) -> np.ndarray:
    return _scaled(picture, height / picture.shape[0])


def _with_width(picture: np.ndarray, width: int) -> np.ndarray:
    scaled = _scaled(picture, width / picture.shape[1])
    return scaled[:, :width]


def _scaled(picture: np.ndarray, factor: float) -> np.ndarray:
    """Larger or smaller, smoothly; ``factor`` of the number of pixels along both axes."""
    from scipy import ndimage

    rows, columns = (max(1, round(size * factor)) for size in picture.shape[:2])
    zoom = (rows / picture.shape[0], columns / picture.shape[1], 1)
    smooth = picture.astype(np.float32)
    if factor < 1:
        smooth = ndimage.gaussian_filter(smooth, (0.4 / factor, 0.4 / factor, 0))
    return np.clip(ndimage.zoom(smooth, zoom, order=1, grid_mode=True, mode="nearest"), 0, 255).astype(np.uint8)


def main(image: Path, bones: Path, output: Path) -> None:
    """Reads a CT and its segmentation and writes the picture."""
    from BoneSegLib.evaluation.grids import on_grid
    from BoneSegLib.headless.read import read_labelmap, read_volume

    volume = read_volume(image)
    labels = on_grid(read_labelmap(bones), volume.geometry)
    output.write_bytes(png_bytes(overview_picture(volume, labels)))


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
