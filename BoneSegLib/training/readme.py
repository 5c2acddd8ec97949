"""The README.md of a model folder from ``boneseg train``: what it finds, what it reached, how it is run."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from BoneSegLib.evaluation.cohort import Cohort
from BoneSegLib.training.planning.network_plan import NetworkPlan
from BoneSegLib.training.project import Project

README = "README.md"
_MARKER = "<!-- Written by boneseg train, anew each time. Delete this line, and the file is left as you change it. -->"


def is_users_own(readme: Path) -> bool:
    """Whether somebody took the file over."""
    return readme.exists() and _MARKER not in readme.read_text(encoding="utf-8", errors="replace")


def model_readme(
    project: Project,
    steps: Mapping[str, Mapping[str, int]],
    judged: Cohort,
    *,
    name: str,
    judged_folds: Collection[str],
) -> str:
    """``steps``: network -> fold -> steps, of the weights in the model. ``judged``: held-out cases of ``judged_folds``,
    each segmented with the fold that was trained without it."""
    names = project.rules.names
    plans = [plan for plan in project.plans if plan.name in steps]
    folds = sorted(steps[plans[0].name])
    parts = [
        f"# {name}",
        f"Finds {', '.join(names)} in {project.channel}. **Not for clinical use.**",
        _training(project, plans, steps),
        _reached(names, judged, [fold for fold in folds if fold not in judged_folds]),
        _runs(plans, folds),
        "**Licence, source of the data.** Unknown. For the owner to fill in: whose images these are, who drew the "
        "labels, and what data and model may be used for.",
        _MARKER,
    ]
    return "\n\n".join(parts) + "\n"


def _training(project: Project, plans: Sequence[NetworkPlan], steps: Mapping[str, Mapping[str, int]]) -> str:
    start = f" It began with the weights of `{project.options.fine_tune.name}`." if project.options.fine_tune else ""
    lines = [
        f"**What it was trained on.** {len(project.cases)} cases, {project.channel}.{start} A fold is trained on the "
        "cases that it does not keep to judge by, `all` on every one.",
        "| network | voxels, mm | window | steps |\n| --- | --- | --- | --- |",
    ]
    for plan in plans:
        taken = ", ".join(f"{count} (fold {fold})" for fold, count in sorted(steps[plan.name].items()))
        spacing, window = (" x ".join(f"{size:.3g}" for size in sizes) for sizes in (plan.spacing, plan.patch))
        lines[1] += f"\n| `{plan.name}` | {spacing} | {window} | {taken} |"
    return "\n\n".join(lines)


def _reached(names: Sequence[str], judged: Cohort, unjudged: Sequence[str]) -> str:
    spread = {one.structure: one for one in judged.distributions("dice") if one.n}
    if not spread:
        return "**What it reached.** Not judged: these weights were not tried on held-out cases."
    lowest = {name: _lowest(judged, name) for name in spread}
    table = ["| label | cases | mean Dice | lowest | in case |", "| --- | --- | --- | --- | --- |"]
    for name in names:
        if name in spread:
            dice, case = lowest[name]
            table.append(f"| {name} | {spread[name].n} | {spread[name].mean:.3f} | {dice:.3f} | {case} |")
        else:
            table.append(f"| {name} | 0 | not judged | | |")
    mean = math.fsum(one.mean for one in spread.values()) / len(spread)
    table.append(f"| mean of the labels | | {mean:.3f} | | |")
    weakest = min(spread, key=lambda name: spread[name].mean)
    worst = min(lowest, key=lambda name: lowest[name][0])
    told = f" Not judged: the weights of fold {', '.join(unjudged)}." if unjudged else ""
    return "\n\n".join(
        [
            f"**What it reached.** Held-out cases: {len(judged.cases)}, each segmented with the weights of a fold that "
            f"was trained without it.{told}",
            "\n".join(table),
            f"**Where it fails.** The weakest label is {weakest}, with a mean Dice of {spread[weakest].mean:.3f}. The "
            f"worst result is {worst} in case {lowest[worst][1]}, with {lowest[worst][0]:.3f}. Images of another kind "
            "(scanner, age, disease, field of view) were not tried.",
        ]
    )


def _lowest(judged: Cohort, name: str) -> tuple[float, str]:
    dice = ((float(str(row["dice"])), str(row["case"])) for row in judged.rows if row["structure"] == name)
    return min(one for one in dice if math.isfinite(one[0]))


def _runs(plans: Sequence[NetworkPlan], folds: Sequence[str]) -> str:
    lines = []
    for number, plan in enumerate(plans):
        last = number == len(plans) - 1
        before = f" -prev_stage_predictions OUT_{plans[number - 1].name}" if number else ""
        lines.append(
            f"nnUNetv2_predict_from_modelfolder -i IN -o OUT{'' if last else f'_{plan.name}'} "
            f"-m MODEL/nnUNetTrainer__nnUNetPlans__{plan.name} -f {' '.join(folds)}{before}"
        )
    commands = "\n".join(lines)
    return f"""**How it is run**, MODEL being this folder:

```
boneseg segment image.nii.gz -o found.seg.nrrd --model MODEL
```

In 3D Slicer: module *BoneSeg*, advanced options, *Model*.

With nnunetv2, which does not turn images: store them in LPS orientation first, else names and sides are wrong. `boneseg
segment` and Slicer's module turn them themselves.

```
python -c "import SimpleITK as s; s.WriteImage(s.DICOMOrient(s.ReadImage('p.nii.gz'), 'LPS'), 'IN/p_0000.nii.gz')"
{commands}
```"""
