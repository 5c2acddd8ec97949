"""`boneseg`: the command line. Each command is loaded when it is called, so that `--help` answers at once."""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module

from BoneSegLib._version import __version__
from BoneSegLib.errors import BoneSegError, Cancelled, InternalError, MissingError, ResourceError, UsageError
from BoneSegLib.packages import broken_package

COMMANDS: dict[str, tuple[str, str]] = {
    "segment": ("BoneSegLib.commands.segment", "find the bones in a CT"),
    "compare": ("BoneSegLib.evaluation.commands", "compare a segmentation with a reference"),
    "agreement": ("BoneSegLib.evaluation.agreement_command", "agreement over many cases, from tables of comparisons"),
    "grow-from-seeds": ("BoneSegLib.baselines.commands", "grow seeds over a CT, the baseline to compare with"),
    "batch": ("BoneSegLib.batch.commands", "segment many CTs, with one report of all"),
    "export": ("BoneSegLib.commands.export", "write a segmentation as DICOM, meshes or another format"),
    "synthesize": ("BoneSegLib.training.commands.synthesize", "make synthetic CT from label maps"),
    "train": ("BoneSegLib.training.commands.train", "train a model on images and labels"),
    "evaluate-model": ("BoneSegLib.training.commands.evaluate_model", "what a model is worth: accuracy, robustness"),
    "data-curve": ("BoneSegLib.training.commands.data_curve", "how much data a model needs: Dice by number of cases"),
    "models": ("BoneSegLib.commands.models", "list, describe, verify and export models"),
    "doctor": ("BoneSegLib.commands.doctor", "what works here: versions, devices, memory, disk, model"),
}
"""Command -> where it lives (a module with add_arguments and run_command), and its line of help."""


class _Parser(argparse.ArgumentParser):
    """Tells wrong usage as every other error is told."""

    def error(self, message: str):
        raise UsageError(message[:1].upper() + message[1:] + ".", remedy=f"See: {self.prog} --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code (see `BoneSegLib.errors`; 0 done, 1 some cases of a batch failed)."""
    words = _join_negative_values(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in words
    try:
        parser, parse_command = _make_parser(words)
        if parse_command is None:
            parser.parse_args(words)
            parser.print_help()
            return 0
        return int(parse_command())
    except BoneSegError as error:
        return _tell(error, as_json=as_json)
    except KeyboardInterrupt:
        return _tell(Cancelled(), as_json=as_json)
    except MemoryError:
        return _tell(ResourceError("The computer ran out of memory."), as_json=as_json)
    except Exception as error:
        sys.stderr.write(traceback.format_exc())
        return _tell(_unexpected(error), as_json=as_json)


def _join_negative_values(words: Sequence[str]) -> list[str]:
    """``--roi -60,0,...`` as ``--roi=-60,0,...``: argparse would take the value for an option."""
    joined: list[str] = []
    for word in words:
        is_value = word[:1] == "-" and (word[1:2].isdigit() or word[1:2] == ".")
        if is_value and joined and joined[-1].startswith("--"):
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined


def _make_parser(words: list[str]):
    parser = _Parser(
        prog="boneseg", description="Bones in CT: segmentation, statistics and comparison. Not for clinical use."
    )
    parser.add_argument("--version", action="version", version=f"boneseg {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", title="commands")
    chosen = next((word for word in words if not word.startswith("-")), None)
    for name, (module, help_line) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=help_line)
        if name == chosen:
            command = import_module(module)
            command.add_arguments(subparser)
    if chosen is None or chosen not in COMMANDS:
        return parser, None
    return parser, lambda: command.run_command(_parsed(parser, chosen, words))


def _parsed(parser: argparse.ArgumentParser, command: str, words: list[str]) -> argparse.Namespace:
    """argparse names words that it does not know, but not what to do: commas are forgotten most often."""
    args, strange = parser.parse_known_args(words)
    if strange:
        raise UsageError(
            f"'{' '.join(strange)}' means nothing here.",
            remedy=f"Separate several values of an option by commas. See: boneseg {command} --help",
        )
    return args


def _unexpected(error: Exception) -> BoneSegError:
    """An error that nobody foresaw: a missing package or a fault of ours."""
    package = broken_package(error)
    if package:
        return MissingError(
            f"The package '{package}' is missing here, or broken.",
            cause=str(error),
            remedy=f"Install it with: pip install {package}",
        )
    return InternalError(
        "Something went wrong that should not have.",
        cause=f"{type(error).__name__}: {error}",
        remedy="Please report this with the text above.",
    )


def _tell(error: BoneSegError, *, as_json: bool) -> int:
    for part in (f"boneseg: {error.message}", error.cause, error.remedy):
        if part:
            sys.stderr.write(part + "\n")
    if as_json:
        sys.stdout.write(json.dumps({"error": error.to_dict()}) + "\n")
    return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
