"""`boneseg models`: what is bundled, what a model is, whether its files are whole, and a copy of it."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path
from typing import Any

from BoneSegLib.errors import OutputError
from BoneSegLib.models.named import model_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``boneseg models``."""
    parser.description = "List, describe, verify and export models."
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in (
        ("list", "the bundled models"),
        ("info", "what a model segments, its networks, licence, sources and measured accuracy"),
        ("verify", "compare every file with its SHA-256 and load the weights"),
        ("export", "copy a model folder, to use it elsewhere or in nnU-Net v2"),
    ):
        action = actions.add_parser(name, help=text, description=text[:1].upper() + text[1:] + ".")
        if name != "list":
            action.add_argument(
                "model", nargs="?", type=model_folder, metavar="DIR", help="(default: the bundled model)"
            )
        if name == "export":
            action.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER", help="a new folder")
        action.add_argument("--json", action="store_true", help="print one JSON object")


def run_command(args: argparse.Namespace) -> int:
    """Runs it; returns 0, or raises a `BoneSegLib.errors.BoneSegError` with another exit code."""
    answer, text = {"list": _list, "info": _info, "verify": _verify, "export": _export}[args.action](args)
    sys.stdout.write((json.dumps(answer) if args.json else text) + "\n")
    return 0


def _list(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from BoneSegLib.models.catalogue import bundled_models
    from BoneSegLib.models.folder import read_model

    models = [read_model(folder) for folder in bundled_models()]
    answer = {"models": [{"name": model.name, "version": model.version} for model in models]}
    return answer, "\n".join(f"{model.name} {model.version}" for model in models) or "No model is bundled."


def _info(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from BoneSegLib.models.catalogue import open_model

    model = open_model(args.model)
    described = ("title", "license", "attribution", "training", "accuracy")
    answer: dict[str, Any] = {
        "name": model.name,
        "version": model.version,
        "structures": [structure.id for structure in model.structures],
        "networks": {
            name: {
                "spacing_mm": stage.configuration.spacing,
                "patch": stage.configuration.patch,
                "features": stage.configuration.architecture.features,
                "folds": stage.folds,
            }
            for name, stage in model.stages.items()
        },
        "qualities": model.qualities,
        **{key: model.manifest[key] for key in described if key in model.manifest},
    }
    return answer, json.dumps(answer, indent=2) + "\nNot for clinical use."


def _verify(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from BoneSegLib.inference.loading import load_fold
    from BoneSegLib.models.catalogue import open_model
    from BoneSegLib.models.integrity import model_hash, verify_files

    model = open_model(args.model)
    verify_files(model)
    for stage in model.stages.values():
        for fold in stage.folds:
            load_fold(stage, fold)
    listed = len(model.manifest.get("files", {}))
    answer = {"name": model.name, "sha256": model_hash(model), "files_listed": listed, "ok": True}
    checked = f"{listed} files as listed" if listed else "no list of files to compare with"
    return answer, f"{model.name} {model.version}: {checked}, weights load. SHA-256 {answer['sha256']}"


def _export(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    from BoneSegLib.models.catalogue import open_model
    from BoneSegLib.models.integrity import verify_files

    model = open_model(args.model)
    verify_files(model)
    if args.output.exists():
        raise OutputError(f"'{args.output}' exists already.", remedy="Name a folder that does not exist.")
    try:
        shutil.copytree(model.folder, args.output)
    except OSError as error:
        shutil.rmtree(args.output, ignore_errors=True)
        raise OutputError(f"'{args.output}' cannot be written.", cause=error.strerror or str(error)) from error
    return {"name": model.name, "output": str(args.output)}, f"{model.name} is now in {args.output}"
