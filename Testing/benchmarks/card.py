"""What the bundled model reaches, measured and written into its card: boneseg.json and the tables of its README.

    python -m Testing.benchmarks.card [--data FOLDER] [--model FOLDER]

Judged are the labelled real CT and the sample CT, in both qualities, with each step beside the networks left out once,
and two real CT that show none of the bones. The README's tables lie between two marks; the text around them is left.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from BoneSegLib.anatomy import STRUCTURES
from BoneSegLib.options import QUALITIES, SegmentOptions
from BoneSegLib.training.assessment.assess import (
    KEEP_LIFTED,
    KEEP_UNNAMED,
    NO_DISCS,
    NO_DRAFTS,
    NO_REFINE,
    NO_SECOND_LOOK,
    Assessment,
    AssessOptions,
    assess,
)
from Testing.benchmarks.judge import ROOT, lay_out_real

BEGIN, END = "<!-- measured by Testing/benchmarks/card.py -->", "<!-- end -->"
CASES = {
    "s0009": ("real CT s0009", "real CT s0009 (TotalSegmentator, labelled; not used in training)"),
    "sample": ("synthetic sample CT", "synthetic sample CT (s0006, not used in training)"),
}
"""Case -> its name in the README and in boneseg.json."""
NEGATIVES = {"chest": "negative_chest_cmbcrc_ct.nii.gz", "neck": "negative_neck_s0002_ct.nii.gz"}
WITHOUT = {
    "without_second_look": ("one look", NO_SECOND_LOOK),
    "without_discs": ("names not at discs", NO_DISCS),
    "keep_unnamed": ("bones without a name", KEEP_UNNAMED),
    "keep_lifted": ("lifted femurs", KEEP_LIFTED),
    "without_drafts": ("no drafts", NO_DRAFTS),
    "without_refine": ("edges not moved", NO_REFINE),
}
"""Key in boneseg.json -> column in the README, step in the assessment's rows."""

Accuracy = dict[str, Any]


def measure(model: Path, data: Path) -> Accuracy:
    """The part ``accuracy`` of boneseg.json."""
    found: Accuracy = {"measured_on": date.today().isoformat()}
    for quality in reversed(QUALITIES):
        options = SegmentOptions(model=model, quality=quality)
        alone = replace(options, second_look=False, discs=False, drop_unnamed=False, drop_lifted=False, drafts=0,
                        refine=False)  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            cases = [lay_out_real(data, Path(folder)), ROOT / "Resources" / "SampleData"]
            judged = assess(AssessOptions(segment=options, cleaning=True), cases=cases,
                            negatives=[data / "ct" / name for name in NEGATIVES.values()], tell=_tell)  # fmt: skip
            networks = assess(AssessOptions(segment=alone), cases=cases, tell=_tell)
        take(found, quality, judged, networks)
    return found


def take(found: Accuracy, quality: str, judged: Assessment, networks: Assessment) -> None:
    """Puts into ``found`` what one quality reached: ``judged`` as it runs, ``networks`` without what is done beside
    them."""
    dice, alone = _dice(judged), _dice(networks)
    for case, (_, name) in CASES.items():
        found.setdefault("dice", {}).setdefault(quality, {})[name] = {
            **{structure: round(value, 3) for structure, value in dice[case].items()},
            "mean": _mean(dice[case]),
        }
        found.setdefault("networks_alone", {}).setdefault(quality, {})[name] = _mean(alone[case])
        for key, (_, step) in WITHOUT.items():
            left = {
                row["structure"]: row["dice"] for row in judged.cleaning if (row["case"], row["step"]) == (case, step)
            }
            if left:
                found.setdefault(key, {}).setdefault(quality, {})[name] = _mean(left)
    found.setdefault("false_bone_ml", {})[quality] = {
        name: round(float(row["total_ml"]), 1)  # type: ignore[arg-type]
        for name, row in zip(NEGATIVES, judged.negatives, strict=True)
    }


def tables(accuracy: Accuracy) -> str:
    """The README's part between the marks."""
    bones = [structure.id for structure in STRUCTURES]
    lines = ["Dice:", "", _row("case", *[bone.removeprefix("vertebra_").replace("_", " ") for bone in bones], "mean")]
    lines.append(_row(*["---"] * (len(bones) + 2)))
    for quality in reversed(QUALITIES):
        for short, name in CASES.values():
            dice = accuracy["dice"][quality][name]
            shown = [f"{dice[bone]:.3f}" if bone in dice else "-" for bone in (*bones, "mean")]
            lines.append(_row(f"{short}, `{quality}`", *shown))
    lines += ["", "False bone in real CT that show none of the ten:", "", _row("case", "volume"), _row("---", "---")]
    for quality in reversed(QUALITIES):
        lines += [
            _row(f"{name}, `{quality}`", f"{ml:.1f} ml") for name, ml in accuracy["false_bone_ml"][quality].items()
        ]
    columns = [title for title, _ in WITHOUT.values()]
    lines += ["", "Mean Dice without the steps beside the networks:", ""]
    lines += [_row("case", "all steps", *columns, "networks alone"), _row(*["---"] * (len(columns) + 3))]
    for quality in reversed(QUALITIES):
        for short, name in CASES.values():
            left = [accuracy.get(key, {}).get(quality, {}).get(name) for key in (*WITHOUT, "networks_alone")]
            shown = ["-" if value is None else f"{value:.3f}" for value in left]
            lines.append(_row(f"{short}, `{quality}`", f"{accuracy['dice'][quality][name]['mean']:.3f}", *shown))
    return "\n".join(lines)


def write_card(model: Path, accuracy: Accuracy) -> None:
    """Into boneseg.json and README.md of the model folder."""
    manifest, page = model / "boneseg.json", model / "README.md"
    told = json.loads(manifest.read_text(encoding="utf-8"))
    files = told.pop("files")
    manifest.write_text(json.dumps({**told, "accuracy": accuracy, "files": files}, indent=2) + "\n", encoding="utf-8")
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n{tables(accuracy)}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def _dice(assessment: Assessment) -> dict[str, dict[str, float]]:
    """Case -> structure -> Dice, of the structures that are in view or were found."""
    found: dict[str, dict[str, float]] = {}
    for row in assessment.accuracy.rows:
        value = float(row["dice"])  # type: ignore[arg-type]
        if value == value:
            found.setdefault(str(row["case"]), {})[str(row["structure"])] = value
    return found


def _mean(dice: dict[Any, Any]) -> float:
    return round(statistics.fmean(float(value) for value in dice.values() if value == value), 3)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _tell(message: str) -> None:
    sys.stderr.write(message + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder with ct/")
    parser.add_argument("--model", type=Path, default=ROOT / "Resources" / "Models" / "boneseg-bones-1")
    args = parser.parse_args()
    write_card(args.model, measure(args.model, args.data))
    return 0


if __name__ == "__main__":
    sys.exit(main())
