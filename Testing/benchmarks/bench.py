"""`make bench`: BoneSeg beside nnunetv2 and MONAI, same weights, same volume, in turn, whole processes.

Prints a table and, as its last lines, `ratio fast N.N` and `ratio full N.N`: nnunetv2's seconds over ours. The volume
is a CT given with --ct, or the bundled sample, resampled to 512 x 512 x --slices voxels.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from BoneSegLib.headless.read import read_volume
from BoneSegLib.inference.frame import make_frame
from BoneSegLib.models.catalogue import bundled_models
from BoneSegLib.resources import resources_folder

HERE = Path(__file__).parent


def bench_volume(path: Path, slices: int) -> tuple[np.ndarray, tuple[float, float, float]]:
    """A CT in LPS order (kji, int16) resampled to 512 x 512 x ``slices``, and its spacing along k, j, i."""
    import SimpleITK as sitk

    volume = read_volume(path)
    frame = make_frame(volume.array, volume.geometry, canonical=True, transpose=(0, 1, 2))
    array, spacing = frame.view(volume.array), frame.spacing(volume.geometry)
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    size = (512, 512, slices)
    steps = [old / new for old, new in zip(array.shape[::-1], size, strict=True)]
    begin = [(step - 1) / 2 for step in steps]
    resampled = sitk.Resample(image, size, sitk.Transform(), sitk.sitkLinear, begin, steps)
    fine = tuple(step * scale for step, scale in zip(spacing, steps[::-1], strict=True))
    return sitk.GetArrayFromImage(resampled), fine


def run(name: str, quality: str, model: Path, volume: Path, target: Path) -> dict[str, object]:
    words = [sys.executable, str(HERE / "contenders.py"), name, quality, str(model), str(volume), str(target)]
    subprocess.run(words, check=True, capture_output=True)
    data = np.load(target)
    return {
        "labels": data["labels"],
        "total": float(data["total"]),
        "peak": float(data["peak"]),
        "seconds": str(data["seconds"]),
    }


def mean_dice(a: np.ndarray, b: np.ndarray) -> float:
    scores = [2 * ((a == v) & (b == v)).sum() / ((a == v).sum() + (b == v).sum()) for v in np.unique(a) if v]
    return float(np.mean(scores)) if scores else float("nan")


def compare(quality: str, names: list[str], rounds: int, model: Path, volume: Path, folder: Path) -> float:
    """Runs the contenders in turn, prints a row for each, and returns nnunetv2's time over ours (the last named)."""
    results: dict[str, list[dict]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            results[name].append(run(name, quality, model, volume, folder / f"{quality}-{number}.npz"))
    reference = results["nnunetv2"][0]["labels"]
    print(
        f"\n{quality}: seconds (median of {rounds}), ratio to nnunetv2 (pair by pair), peak GB, agreement with nnunetv2"
    )
    for name in names:
        ratios = [a["total"] / b["total"] for a, b in zip(results["nnunetv2"], results[name], strict=True)]
        labels = results[name][0]["labels"]
        union = (labels > 0) | (reference > 0)
        print(
            f"  {name:<28} {median(r['total'] for r in results[name]):7.1f} s  x{median(ratios):4.1f} "
            f"[{min(ratios):.1f} to {max(ratios):.1f}]  {max(r['peak'] for r in results[name]):5.2f} GB  "
            f"all {100 * (labels == reference).mean():.3f} %  bone {100 * (labels == reference)[union].mean():.2f} %  "
            f"Dice {mean_dice(reference, labels):.4f}   {results[name][0]['seconds']}"
        )
    ours = results[names[-1]]
    return median(a["total"] / b["total"] for a, b in zip(results["nnunetv2"], ours, strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ct", type=Path, default=resources_folder() / "SampleData" / "sample_ct.nii.gz")
    parser.add_argument("--model", type=Path, default=bundled_models()[0] if bundled_models() else None)
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--qualities", default="fast,full")
    args = parser.parse_args()
    array, spacing = bench_volume(args.ct, args.slices)
    print(f"{array.shape[2]} x {array.shape[1]} x {array.shape[0]} voxels, spacing kji {np.round(spacing, 3)} mm")
    ratios = {}
    with tempfile.TemporaryDirectory() as folder:
        volume = Path(folder) / "volume.npz"
        np.savez(volume, array=array, spacing=spacing)
        for quality in args.qualities.split(","):
            names = ["nnunetv2", "monai", "boneseg, fp32", "boneseg"]
            if quality == "full":
                names.insert(2, "boneseg, all windows, fp32")
            ratios[quality] = compare(quality, names, args.rounds, args.model, volume, Path(folder))
    for quality, ratio in ratios.items():
        print(f"ratio {quality} {ratio:.1f}")


if __name__ == "__main__":
    main()
