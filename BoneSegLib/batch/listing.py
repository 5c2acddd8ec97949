"""What a batch would do and what it did, as text and as plain data."""

from __future__ import annotations

from typing import Any

from BoneSegLib.batch.cases import Listing
from BoneSegLib.batch.dicom_tree import RULES
from BoneSegLib.batch.progress import readable_time
from BoneSegLib.words import counted


def listing_text(listing: Listing) -> str:
    """The cases, what is left out and why, for ``--dry-run``."""
    lines = [counted(len(listing.cases), "case") + ":"]
    for case in listing.cases:
        about = f"  ({case.about})" if case.about else ""
        lines.append(f"  {case.name}  <-  {case.image}{about}")
        if case.reference:
            lines.append(f"      compared with {case.reference}")
        if case.problem:
            lines.append(f"      will fail: {case.problem}")
    if listing.left_out:
        lines.append(f"{len(listing.left_out)} left out:")
        lines += [f"  {one.what}\n      {one.why}" for one in listing.left_out]
    if any(case.image.is_dir() for case in listing.cases):
        lines.append(f"Rules for DICOM: {RULES}")
    lines += [f"Note: {note}" for note in listing.notes]
    return "\n".join(lines) + "\n"


def listing_json(listing: Listing) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "cases": [case.to_dict() for case in listing.cases],
        "left_out": [{"what": one.what, "why": one.why} for one in listing.left_out],
        "notes": list(listing.notes),
        "rules": RULES,
    }


def outcome_text(outcome: dict[str, Any]) -> str:
    """What was done, the failures first."""
    lines = []
    for row in outcome["cases"]:
        if row["status"] == "failed":
            told = " ".join(str(row[name]) for name in ("message", "cause", "remedy") if row[name])
            lines.append(f"  {row['case']}: {row['error']}. {told}")
    if lines:
        lines.insert(0, "Failed:")
    kept = f" ({outcome['kept']} of them before)" if outcome["kept"] else ""
    lines.append(
        f"{outcome['done']} of {counted(len(outcome['cases']), 'case')} done{kept}, {outcome['failed']} failed, "
        f"{readable_time(outcome['seconds'])}. Not for clinical use."
    )
    places = [outcome[name] for name in ("statistics", "comparison", "report") if outcome[name]]
    lines.append("Written: " + ", ".join(places))
    return "\n".join(lines) + "\n"
