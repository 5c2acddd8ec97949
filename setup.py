"""What pyproject.toml cannot say: a wheel carries models and terminology inside the package."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithResources(build_py):
    """Slicer wants ``Resources/`` at the top of the extension; Python finds files only inside a package."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for name in ("Models", "Spine", "Terminology"):
            target = Path(self.build_lib) / "BoneSegLib" / "Resources" / name
            shutil.copytree(Path("Resources") / name, target, dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithResources})
