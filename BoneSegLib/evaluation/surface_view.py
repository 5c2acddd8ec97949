"""A picture of surfaces coloured by distance, drawn without a screen.

Drawing needs OpenGL, and where that is broken VTK may end the whole process. So it happens in a process of its own
(`python -m BoneSegLib.evaluation.surface_view FOLDER LIMIT`), and a failure is a picture less, not a crash.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from BoneSegLib.errors import MissingError
from BoneSegLib.evaluation.surface_mesh import DISTANCE

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

SIZE = (1100, 720)
TIME_LIMIT_S = 120
RAMP = ((0.09, 0.27, 0.62), (0.40, 0.66, 0.86), (0.93, 0.91, 0.84), (0.95, 0.60, 0.33), (0.70, 0.09, 0.17))
"""Blue where the test lies inside the reference, bone where they agree, red where it lies outside."""


def draw_surfaces(surfaces: Sequence[vtkPolyData], *, limit_mm: float = 0.0) -> bytes:
    """A PNG of all ``surfaces`` from the front and from the back.

    With a ``limit_mm`` they are coloured by their distance, up to that much either way; otherwise they have their own
    colours (RGB scalars). Raises `MissingError` where nothing can be drawn, its cause being what VTK said.
    """
    from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter

    with tempfile.TemporaryDirectory(prefix="boneseg-") as folder:
        for number, surface in enumerate(surfaces):
            writer = vtkXMLPolyDataWriter()
            writer.SetFileName(str(Path(folder) / f"{number:03d}.vtp"))
            writer.SetInputData(surface)
            writer.Write()
        command = [sys.executable, "-m", __name__, folder, repr(float(limit_mm))]
        try:
            done = subprocess.run(
                command, env=_environment(), capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False
            )
            cause = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        except (OSError, subprocess.TimeoutExpired) as error:
            cause = [str(error)]
        picture = Path(folder) / "view.png"
        if picture.is_file():
            return picture.read_bytes()
    raise MissingError(
        "The 3D view could not be drawn here.",
        cause=cause[0],
        remedy="On Linux without a screen, install libegl1 and libegl-mesa0.",
    )


def _environment() -> dict[str, str]:
    """The child's environment: this library importable, and EGL where there is no screen."""
    environment = dict(os.environ)
    library = str(Path(__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [library, environment.get("PYTHONPATH")]))
    if sys.platform.startswith("linux") and not environment.get("DISPLAY"):
        environment.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    return environment


def draw_folder(folder: Path, limit_mm: float) -> None:
    """Draw all ``*.vtp`` of a folder into its ``view.png``; the child's work."""
    # These two make the drawing classes known to VTK's factories.
    import vtkmodules.vtkRenderingFreeType
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401
    from vtkmodules.vtkIOImage import vtkPNGWriter
    from vtkmodules.vtkIOXML import vtkXMLPolyDataReader
    from vtkmodules.vtkRenderingCore import vtkRenderWindow, vtkWindowToImageFilter

    window = vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetSize(*SIZE)
    window.SetMultiSamples(4)
    surfaces = []
    for path in sorted(folder.glob("*.vtp")):
        reader = vtkXMLPolyDataReader()
        reader.SetFileName(str(path))
        reader.Update()
        surfaces.append(reader.GetOutput())
    colors = _color_map(limit_mm) if limit_mm > 0 else None
    for number, (title, towards) in enumerate((("from the front", 1.0), ("from the back", -1.0))):
        renderer = _renderer(surfaces, colors, towards)
        width = 0.46 if colors is not None else 0.5
        renderer.SetViewport(width * number, 0.0, width * (number + 1), 1.0)
        renderer.AddViewProp(_title(title))
        window.AddRenderer(renderer)
    if colors is not None:
        window.AddRenderer(_legend(colors))
    window.Render()
    grab = vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    writer = vtkPNGWriter()
    writer.SetFileName(str(folder / "view.png"))
    writer.SetInputConnection(grab.GetOutputPort())
    writer.Write()


def _color_map(limit_mm: float):
    from vtkmodules.vtkRenderingCore import vtkColorTransferFunction

    colors = vtkColorTransferFunction()
    colors.SetColorSpaceToLab()
    for step, (red, green, blue) in enumerate(RAMP):
        colors.AddRGBPoint(limit_mm * (step / 2.0 - 1.0), red, green, blue)
    return colors


def _renderer(surfaces: Sequence[vtkPolyData], colors, towards: float):
    """All surfaces as seen along the patient's anterior (1) or posterior (-1) axis."""
    from vtkmodules.vtkFiltersCore import vtkPolyDataNormals
    from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer

    renderer = vtkRenderer()
    renderer.SetBackground(1, 1, 1)
    for surface in surfaces:
        normals = vtkPolyDataNormals()
        normals.SetInputData(surface)
        normals.SplittingOff()
        mapper = vtkPolyDataMapper()
        mapper.SetInputConnection(normals.GetOutputPort())
        if colors is not None:
            mapper.SetLookupTable(colors)
            mapper.UseLookupTableScalarRangeOn()
            mapper.SelectColorArray(DISTANCE)
        actor = vtkActor()
        actor.SetMapper(mapper)
        actor.GetProperty().SetAmbient(0.25)
        actor.GetProperty().SetDiffuse(0.8)
        renderer.AddActor(actor)
    camera = renderer.GetActiveCamera()
    camera.SetFocalPoint(0, 0, 0)
    camera.SetPosition(0, towards, 0)
    camera.SetViewUp(0, 0, 1)
    camera.ParallelProjectionOn()
    renderer.ResetCamera()
    left, right, _, _, bottom, top = renderer.ComputeVisiblePropBounds()
    aspect = 0.46 * SIZE[0] / SIZE[1]
    camera.SetParallelScale(0.54 * max(top - bottom, (right - left) / aspect))
    return renderer


def _legend(colors):
    from vtkmodules.vtkRenderingAnnotation import vtkScalarBarActor
    from vtkmodules.vtkRenderingCore import vtkRenderer

    renderer = vtkRenderer()
    renderer.SetBackground(1, 1, 1)
    renderer.SetViewport(0.92, 0.0, 1.0, 1.0)
    bar = vtkScalarBarActor()
    bar.SetLookupTable(colors)
    bar.SetNumberOfLabels(5)
    bar.SetLabelFormat("{:+.1f}" if _uses_new_formats() else "%+.1f")
    bar.SetTitle("mm")
    bar.UnconstrainedFontSizeOn()
    for text in (bar.GetLabelTextProperty(), bar.GetTitleTextProperty()):
        _plain(text, 13)
    bar.SetBarRatio(0.3)
    bar.SetPosition(0.02, 0.2)
    bar.SetWidth(0.9)
    bar.SetHeight(0.6)
    renderer.AddViewProp(bar)
    return renderer


def _uses_new_formats() -> bool:
    """VTK 9.6 went from printf's format strings to those of std::format."""
    from vtkmodules.vtkCommonCore import vtkVersion

    return (vtkVersion.GetVTKMajorVersion(), vtkVersion.GetVTKMinorVersion()) >= (9, 6)


def _title(title: str):
    from vtkmodules.vtkRenderingCore import vtkTextActor

    text = vtkTextActor()
    text.SetInput(title)
    _plain(text.GetTextProperty(), 15)
    text.SetPosition(14, 12)
    return text


def _plain(text, size: int) -> None:
    text.SetFontFamilyToArial()
    text.SetFontSize(size)
    text.SetColor(0.25, 0.25, 0.25)
    text.BoldOff()
    text.ItalicOff()
    text.ShadowOff()


if __name__ == "__main__":
    draw_folder(Path(sys.argv[1]), float(sys.argv[2]))
