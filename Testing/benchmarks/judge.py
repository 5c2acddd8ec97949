"""The bundled model, or another of bones, on everything that it was not trained on: one command, one page.

    python -m Testing.benchmarks.judge [--data FOLDER] [--model FOLDER] [--quality fast] [--quick] [--docs]

Judged are the sample CT, synthetic CT of the one label map that training leaves out, a labelled real CT, two real CT
that show none of the bones, and one without labels. They and their references are laid out for
``boneseg evaluate-model``, which is what then runs. With --docs its page goes into docs/accuracy.md and its pictures
beside the others.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

from BoneSegLib.cli import main as boneseg
from BoneSegLib.label_options import TOTALSEGMENTATOR
from BoneSegLib.label_rules import parse_rules
from BoneSegLib.training.assessment.references import LABELS_FILE

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- measured by Testing/benchmarks/judge.py -->", "<!-- end -->"

HELD_OUT = "s0006"
"""The label map that training leaves out."""
TOTAL_LABELS = dict(parse_rules([TOTALSEGMENTATOR]).sources)
"""TotalSegmentator's values of our bones."""


def lay_out(data: Path, folder: Path, *, synthetic: int) -> list[Path]:
    """Folders of cases with their references; what is there already is left."""
    real = lay_out_real(data, folder)
    held_out = synthesize_held_out(data / "labelmaps", folder / f"synthetic_{synthetic}", count=synthetic)
    return [ROOT / "Resources" / "SampleData", real, held_out]


def lay_out_real(data: Path, folder: Path) -> Path:
    """The folder of the labelled real CT."""
    real = folder / "real"
    real.mkdir(parents=True, exist_ok=True)
    for kind in ("ct", "labels"):
        link = real / f"s0009_{kind}.nii.gz"
        if not link.exists():
            link.symlink_to(data / "ct" / f"lumbar_sacrum_s0009_{kind}.nii.gz")
    (real / LABELS_FILE).write_text(json.dumps(TOTAL_LABELS), encoding="utf-8")
    return real


def synthesize_held_out(maps: Path, output: Path, *, first: int = 0, count: int) -> Path:
    """``output`` with the cases ``first`` to ``count`` - 1 of the held-out map: all that the generator varies, but no
    heads, limbs or lone bones."""
    from BoneSegLib.training.synthesis.generator import SynthesisOptions
    from BoneSegLib.training.synthesize import run

    others = [path.name.split(".")[0] for path in maps.glob("*.nii.gz") if not path.name.startswith(HELD_OUT)]
    run(
        maps,
        output,
        first=first,
        count=count,
        seed=2006,
        exclude=others,
        file_format="nnunet",
        options=SynthesisOptions(strangers=0.0),
    )
    return output


def write_docs(judged: Path) -> None:
    """The measured part of docs/accuracy.md, and its pictures."""
    page, images = ROOT / "docs" / "accuracy.md", ROOT / "docs" / "images"
    report = (judged / "report.md").read_text(encoding="utf-8").split("\n", 1)[1].strip()
    for picture in judged.glob("robustness_*.png"):
        shutil.copy(picture, images / picture.name)
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    report = report.replace("](robustness_", "](images/robustness_")
    page.write_text(f"{before}{BEGIN}\n{report}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder with ct/, labelmaps/"
    )
    parser.add_argument("--model", default="bundled")
    parser.add_argument("--quality", default="full")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "out" / "judged")
    parser.add_argument("--synthetic", type=int, default=32, help="how many cases of the held-out map (32)")
    parser.add_argument("--robustness-cases", default="s0009", help="which cases are distorted (s0009)")
    parser.add_argument("--quick", action="store_true", help="few levels of each distortion, on the sample alone")
    parser.add_argument("--docs", action="store_true", help="write the page into the docs")
    args = parser.parse_args()
    started = time.monotonic()
    cases = lay_out(args.data, args.output / "cases", synthetic=args.synthetic)
    laid_out = time.monotonic()
    ct = args.data / "ct"
    words = ["evaluate-model", args.model, "-o", args.output / args.quality, "--quality", args.quality,
             "--cases", *cases,
             "--negatives", ct / "negative_chest_cmbcrc_ct.nii.gz", ct / "negative_neck_s0002_ct.nii.gz",
             "--unlabelled", ct / "abdomen_pelvis_acrin_ct.nii.gz", "--postprocessing", "--robustness", "all",
             "--robustness-cases", "sample" if args.quick else args.robustness_cases]  # fmt: skip
    if args.quick:
        words += ["--noise", "0,100", "--slices", "0,5", "--field", "0,0.4", "--rotation", "0,20"]
    code = boneseg([str(word) for word in words])
    if args.docs and code == 0:
        write_docs(args.output / args.quality)
    sys.stderr.write(f"{laid_out - started:.0f} s to lay out, {time.monotonic() - laid_out:.0f} s to judge\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
