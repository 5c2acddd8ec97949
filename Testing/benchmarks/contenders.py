"""One contender of the benchmark, in a process of its own: `contenders.py NAME QUALITY MODEL VOLUME.npz OUT.npz`.

All get the same array (kji, LPS) and spacing, run the same weights in fp32 on the CPU unless their name says otherwise,
and write labels, seconds (imports, reading and writing aside) and peak memory.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

Result = tuple[np.ndarray, dict[str, float]]


def boneseg(model: Path, quality: str, array: np.ndarray, spacing: tuple[float, ...], **options) -> Result:
    """This engine."""
    from BoneSegLib import Geometry, SegmentOptions, Volume, segment

    geometry = Geometry.from_spacing(array.shape[::-1], spacing[::-1], directions=np.diag([-1.0, -1.0, 1.0]))
    labels = segment(
        Volume(array, geometry),
        SegmentOptions(model=model, quality=quality, device="cpu", postprocess=False, force=True, **options),
    )
    return labels.array, dict(labels.info["seconds"])


def nnunet(model: Path, quality: str, array: np.ndarray, spacing: tuple[float, ...]) -> Result:
    """nnunetv2's predictor; for `full` its cascade, the coarse labels handed over on the image's grid."""
    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    labels, seconds = None, {}
    for stage in stages_of(model, quality):
        start = time.perf_counter()
        predictor = nnUNetPredictor(
            use_mirroring=False, perform_everything_on_device=False, device=torch.device("cpu"), allow_tqdm=False
        )
        folder = model / f"nnUNetTrainer__nnUNetPlans__{stage}"
        predictor.initialize_from_trained_model_folder(str(folder), use_folds=(0,))
        previous = None if labels is None else labels[None]
        image = array[None].astype(np.float32)
        labels = predictor.predict_single_npy_array(image, {"spacing": list(spacing)}, previous)
        seconds[stage] = time.perf_counter() - start
    return only_bones(model, labels), seconds


def monai(model: Path, quality: str, array: np.ndarray, spacing: tuple[float, ...]) -> Result:
    """MONAI's sliding window between the same normalisation, cubic resampling and interpolation of all logits."""
    import torch
    from monai.inferers import sliding_window_inference
    from scipy import ndimage

    from BoneSegLib.inference.loading import load_fold
    from BoneSegLib.models.folder import read_model

    labels: torch.Tensor | None = None
    seconds = {}
    opened = read_model(model)
    for stage in opened.stages_of(quality):
        start = time.perf_counter()
        configuration, intensity = stage.configuration, stage.intensity
        network = load_fold(stage, "0")[0].eval()
        normal = (np.clip(array.astype(np.float32), intensity.lower, intensity.upper) - intensity.mean) / intensity.std
        zoom = [old / new for old, new in zip(spacing, configuration.spacing, strict=True)]
        image = torch.from_numpy(ndimage.zoom(normal, zoom, order=3, mode="nearest", grid_mode=True))
        channels = [image]
        if labels is not None:
            names = torch.nn.functional.interpolate(labels[None, None].float(), size=image.shape, mode="nearest")[0, 0]
            channels += [(names == value).float() for value in stage.dataset.labels.values()]
        with torch.inference_mode():
            logits = sliding_window_inference(
                torch.stack(channels)[None], configuration.patch, 1, network, overlap=0.5, mode="gaussian"
            )
            full = torch.nn.functional.interpolate(logits, size=array.shape, mode="trilinear")
            labels = full[0].argmax(0)
        seconds[configuration.name] = time.perf_counter() - start
    return only_bones(model, labels.numpy()), seconds


def stages_of(model: Path, quality: str) -> tuple[str, ...]:
    from BoneSegLib.models.folder import read_model

    return read_model(model).qualities[quality]


def only_bones(model: Path, labels: np.ndarray) -> np.ndarray:
    """The network's labels as the ones that are written: other bone becomes background."""
    from BoneSegLib.models.folder import read_model

    opened = read_model(model)
    table = np.zeros(256, np.uint8)
    for structure in opened.structures:
        table[opened.network_labels[structure.id]] = structure.label
    return table[labels.astype(np.uint8)]


CONTENDERS: dict[str, Callable[..., Result]] = {
    "nnunetv2": nnunet,
    "monai": monai,
    "boneseg, all windows, fp32": lambda *a: boneseg(*a, precision="fp32", coarse_to_fine=False),
    "boneseg, fp32": lambda *a: boneseg(*a, precision="fp32"),
    "boneseg": boneseg,
}


def main(name: str, quality: str, model: str, source: str, target: str) -> None:
    data = np.load(source)
    # Imports are not what is compared.
    import torch  # noqa: F401

    if name == "nnunetv2":
        import nnunetv2.inference.predict_from_raw_data  # noqa: F401
    start = time.perf_counter()
    labels, seconds = CONTENDERS[name](Path(model), quality, data["array"], tuple(data["spacing"]))
    total = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    np.savez_compressed(target, labels=labels, total=total, peak=peak, seconds=str(seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
