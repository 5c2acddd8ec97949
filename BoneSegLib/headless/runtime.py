"""Starts the MRML runtime, unless the Slicer application is already there."""

from __future__ import annotations

from BoneSegLib.errors import MissingError, ResourceError

_STAND_IN = "_boneseg_stand_in"


def ensure_runtime():
    """Makes `slicer.mrmlScene`, `slicer.app` and `slicer.modules` usable; returns the ``slicer`` module.

    Does nothing inside the Slicer application, or when called again. Raises `MissingError` where neither Slicer nor
    slicer-core is there, `ResourceError` where there is no memory to load it.
    """
    try:
        import slicer
        import slicer.util
    except ImportError as error:
        if "failed to map segment" in str(error):
            raise ResourceError(
                "The computer ran out of memory.", cause=str(error), remedy="Close other programs."
            ) from error
        raise MissingError(
            "The Slicer runtime is not installed here.",
            cause=str(error),
            remedy="Run inside 3D Slicer, or: pip install slicer-core",
        ) from error
    if not hasattr(slicer, "app"):
        boot()
    return slicer


def boot() -> None:
    """Boots slicer-core; the stand-in for the application is kept in ``slicer.app``."""
    from BoneSegLib.headless.application import Application
    from BoneSegLib.headless.messages import capture_messages

    # Slicer's own terminologies and colour tables are not in the wheel, and their absence would be reported at length.
    with capture_messages():
        Application()


def is_application() -> bool:
    """Whether this runs inside the Slicer application (and not on slicer-core)."""
    slicer = ensure_runtime()
    return not hasattr(slicer.app, _STAND_IN)
