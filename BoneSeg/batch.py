"""`boneseg batch` inside Slicer: Slicer --no-main-window --python-script BoneSeg/batch.py INPUT... -o FOLDER

The same arguments and exit codes as the command line. Slicer's own Segment Statistics module measures.
"""

import importlib.util
import sys
import traceback
from pathlib import Path

if importlib.util.find_spec("BoneSegLib") is None:
    # Neither installed nor loaded as a module: the library lies beside this file's folder, in the source tree and in
    # the installed extension alike.
    sys.path.append(str(Path(__file__).resolve().parents[1]))

INTERNAL_ERROR = 6


def main(arguments):
    """Runs the batch; returns its exit code. ``--help`` and usage errors of argparse end with their code too."""
    from BoneSegLib.cli import main as run

    try:
        return run(["batch", *arguments])
    except SystemExit as exit_request:
        return exit_request.code if isinstance(exit_request.code, int) else int(exit_request.code is not None)


def end(code):
    """Ends the process: Slicer does not do so by itself after a script, and needs its pending events handled."""
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        import slicer.util

        # On slicer-core the library puts a stand-in in the application's place.
        inside_slicer = not hasattr(slicer.app, "_boneseg_stand_in")
    except (ImportError, AttributeError):
        inside_slicer = False
    if inside_slicer:
        slicer.util.exit(code)
    else:
        sys.exit(code)


if __name__ == "__main__":
    exit_code = INTERNAL_ERROR
    try:
        exit_code = main(sys.argv[1:])
    except BaseException:
        traceback.print_exc()
    finally:
        end(exit_code)
