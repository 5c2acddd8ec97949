"""One contender of the benchmark, in a process of its own: `contenders.py NAME QUALITY MODEL VOLUME.npz OUT.npz`.

All get the same array (kji, LPS) and spacing and run the same weights on the CPU, in fp32 unless their name says
otherwise. Labels are written; seconds, those of each step and peak memory are the last line that is printed. Imports,
reading and writing are not counted in the seconds, loading the model is.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from BoneSegLib.models.model import STEP

Seconds = dict[str, float]
Result = tuple[np.ndarray, Seconds]


def boneseg(model: Path, quality: str, array: np.ndarray, spacing: tuple[float, ...], **options) -> Result:
    """This engine."""
    from BoneSegLib import Geometry, SegmentOptions, Volume, segment

    geometry = Geometry.from_spacing(array.shape[::-1], spacing[::-1], directions=np.diag([-1.0, -1.0, 1.0]))
    labels = segment(
        Volume(array, geometry),
        SegmentOptions(model=model, quality=quality, device="cpu", force=True, **options),
    )
    return labels.array, dict(labels.info["seconds"])


def nnunet(model: Path, quality: str, array: np.ndarray, spacing: tuple[float, ...]) -> Result:
    """nnunetv2's predictor; for `full` its cascade, the coarse labels handed over on the image's grid."""
    import torch
    from nnunetv2.inference import predict_from_raw_data as nnunetv2

    labels, seconds = None, {}
    export = nnunetv2.convert_predicted_logits_to_segmentation_with_correct_shape
    for stage in _opened(model).qualities[quality]:
        start = time.perf_counter()
        predictor = nnunetv2.nnUNetPredictor(
            tile_step_size=_step_of(model, quality, stage),
            use_mirroring=False,
            perform_everything_on_device=False,
            device=torch.device("cpu"),
            allow_tqdm=False,
        )
        folder = model / f"nnUNetTrainer__nnUNetPlans__{stage}"
        predictor.initialize_from_trained_model_folder(str(folder), use_folds=(0,))
        window, restore = f"network {stage}", "restore"
        before = seconds.get(window, 0.0) + seconds.get(restore, 0.0)
        predict = predictor.predict_logits_from_preprocessed_data
        predictor.predict_logits_from_preprocessed_data = _timed(predict, window, seconds)
        nnunetv2.convert_predicted_logits_to_segmentation_with_correct_shape = _timed(export, restore, seconds)
        previous = None if labels is None else labels[None].astype(np.int16)  # it marks what it crops with -1
        image = array[None].astype(np.float32)
        labels = predictor.predict_single_npy_array(image, {"spacing": list(spacing)}, previous)
        told = seconds[window] + seconds[restore] - before
        seconds["prepare"] = seconds.get("prepare", 0.0) + time.perf_counter() - start - told
    return _only_bones(model, labels), seconds


def monai(model: Path, quality: str, array: np.ndarray, spacing: tuple[float, ...]) -> Result:
    """MONAI's sliding window and DynUNet between the same normalisation, cubic resampling and interpolated logits."""
    import torch
    from monai.inferers import sliding_window_inference
    from scipy import ndimage

    from BoneSegLib.models.checkpoint import load_checkpoint
    from BoneSegLib.models.network import build_network, load_weights

    labels: torch.Tensor | None = None
    seconds: Seconds = {}
    for stage in _opened(model).stages_of(quality):
        configuration, intensity, heads = stage.configuration, stage.intensity, stage.dataset.heads
        clock = _Laps(seconds)
        network = build_network(configuration.architecture, in_channels=stage.in_channels, heads=heads).eval()
        load_weights(network, load_checkpoint(stage.checkpoint("0")).weights, configuration.architecture)
        clock.lap("load")
        normal = (np.clip(array.astype(np.float32), intensity.lower, intensity.upper) - intensity.mean) / intensity.std
        zoom = [old / new for old, new in zip(spacing, configuration.spacing, strict=True)]
        image = torch.from_numpy(ndimage.zoom(normal, zoom, order=3, mode="nearest", grid_mode=True))
        channels = [image]
        if labels is not None:
            names = torch.nn.functional.interpolate(labels[None, None].float(), size=image.shape, mode="nearest")[0, 0]
            channels += [(names == value).float() for value in stage.dataset.labels.values()]
        clock.lap("prepare")
        with torch.inference_mode():
            logits = sliding_window_inference(
                torch.stack(channels)[None],
                configuration.patch,
                1,
                network,
                overlap=1 - _step_of(model, quality, configuration.name),
                mode="gaussian",
            )
            clock.lap(f"network {configuration.name}")
            labels = torch.nn.functional.interpolate(logits, size=array.shape, mode="trilinear")[0].argmax(0)
        clock.lap("restore")
    return _only_bones(model, labels.numpy()), seconds


class _Laps:
    """Books the time since the last lap."""

    def __init__(self, seconds: Seconds) -> None:
        self._seconds, self._last = seconds, time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self._seconds[name] = self._seconds.get(name, 0.0) + now - self._last
        self._last = now


def _timed(function: Callable, name: str, seconds: Seconds) -> Callable:
    def run(*args, **kwargs):
        clock = _Laps(seconds)
        try:
            return function(*args, **kwargs)
        finally:
            clock.lap(name)

    return run


def _step_of(model: Path, quality: str, stage: str) -> float:
    """How far apart the windows of a stage are, which is the same for all contenders."""
    opened = _opened(model)
    return opened.step_of(quality) if stage == opened.qualities[quality][-1] else STEP


def _opened(model: Path):
    from BoneSegLib.models.folder import read_model

    return read_model(model)


def _only_bones(model: Path, labels: np.ndarray) -> np.ndarray:
    """The network's labels as the ones that are written: other bone becomes background."""
    opened = _opened(model)
    table = np.zeros(256, np.uint8)
    for structure in opened.structures:
        table[opened.network_labels[structure.id]] = structure.label
    return table[labels.astype(np.uint8)]


# What the others do too, and no more: no second look, no names checked against the discs, no edges moved, nothing
# dropped.
SAME_STEPS = {
    "second_look": False,
    "drafts": 0,
    "discs": False,
    "drop_unnamed": False,
    "drop_lifted": False,
    "refine": False,
    "drop_islands": False,
    "fill_holes": False,
}
CONTENDERS: dict[str, Callable[..., Result]] = {
    "nnunetv2": nnunet,
    "MONAI": monai,
    "BoneSeg, nnU-Net's windows": lambda *a: boneseg(*a, precision="fp32", coarse_to_fine=False, **SAME_STEPS),
    "BoneSeg": lambda *a: boneseg(*a, **SAME_STEPS),
    "BoneSeg, all steps": boneseg,
}


def _import_for(name: str) -> None:
    import scipy.ndimage
    import scipy.spatial  # noqa: F401
    import torch  # noqa: F401

    if name == "nnunetv2":
        import nnunetv2.inference.predict_from_raw_data  # noqa: F401
    elif name == "MONAI":
        import monai.inferers
        import monai.networks.nets.dynunet  # noqa: F401
    else:
        import BoneSegLib.inference.engine  # noqa: F401


def main(name: str, quality: str, model: str, source: str, target: str) -> None:
    with np.load(source) as data:
        array, spacing = data["array"], tuple(float(step) for step in data["spacing"])
    _import_for(name)
    start = time.perf_counter()
    labels, seconds = CONTENDERS[name](Path(model), quality, array, spacing)
    total = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # the kernel's VmHWM, GiB
    np.savez_compressed(target, labels=labels)
    sys.stdout.write("\n" + json.dumps({"total": total, "peak": peak, "seconds": seconds}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
