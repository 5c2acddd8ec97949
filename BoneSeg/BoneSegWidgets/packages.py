"""The Python packages that the network needs: told when missing, installed only after a click, else left alone."""

from __future__ import annotations

import importlib.util

import slicer
from slicer.i18n import tr as _

from BoneSegLib.errors import MissingError

TORCH = "torch>=2.6"
MONAI = "monai>=1.5"


def missingPackages() -> tuple[str, ...]:
    """Names of what is not here. Nothing is imported: torch alone takes seconds."""
    return tuple(name for name in ("torch", "monai", "scipy") if importlib.util.find_spec(name) is None)


def missingText(missing: tuple[str, ...]) -> str:
    return _(
        "BoneSeg needs Python packages that are not installed here: {packages}. "
        "They are downloaded once, up to 3 GB with an NVIDIA graphics card, 300 MB without. "
        "Without internet: download the wheels on another computer and install them with "
        "slicer.util.pip_install('--no-index --find-links FOLDER torch monai') in the Python console."
    ).format(packages=", ".join(missing))


def installPackages(missing: tuple[str, ...]) -> None:
    """Installs what is missing and nothing else. Raises MissingError when that does not succeed."""
    if "torch" in missing:
        _installTorch()
    if "scipy" in missing:
        slicer.util.pip_install(["scipy>=1.11"])
    if "monai" in missing:
        # Without its dependencies, which are torch and numpy: pip must not exchange a torch that works.
        slicer.util.pip_install(["--no-deps", MONAI])
    left = missingPackages()
    if left:
        raise MissingError(
            _("Some packages are still missing: {packages}.").format(packages=", ".join(left)),
            remedy=_("See the Python console for what pip said, or restart Slicer and try again."),
        )


def _installTorch() -> None:
    """The PyTorch extension knows which build suits the graphics card."""
    try:
        import PyTorchUtils
    except ImportError as error:
        raise MissingError(
            _("The PyTorch extension is not installed."),
            cause=_("It chooses the build of PyTorch that suits this computer."),
            remedy=_("Install the extension 'PyTorch' with the Extensions Manager, restart Slicer, and come back."),
        ) from error
    requirement = TORCH.removeprefix("torch")
    if PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True, torchVersionRequirement=requirement) is None:
        raise MissingError(_("PyTorch was not installed."), remedy=_("Click Install again when you want it."))
