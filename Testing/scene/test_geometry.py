"""A solid known in world coordinates comes back where it was, in every kind of volume and through every file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from BoneSegLib.headless.read import read_labelmap, read_volume_node
from BoneSegLib.headless.write import write_segmentation as save_segmentation
from BoneSegLib.volume import Geometry, LabelMap, Volume
from Testing.scene.dicom_files import write_series
from Testing.scene.solids import Solid, assert_in_place, grid_around, image_of, world_points

SOLID = Solid()
_TURN = np.radians(20)
OBLIQUE = np.array([[1, 0, 0], [0, np.cos(_TURN), -np.sin(_TURN)], [0, np.sin(_TURN), np.cos(_TURN)]])
SHEAR = np.array([[1, 0.1, 0], [0, 0.98, 0.3], [0, 0.1, 0.95]])
GRIDS = {
    "axial": (np.diag([-1.0, -1.0, 1.0]), (1.2, 1.2, 2.0)),
    "sagittal": (np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0.0]]), (1.2, 1.2, 2.0)),
    "coronal": (np.array([[-1, 0, 0], [0, 0, 1], [0, -1, 0.0]]), (1.2, 1.2, 2.0)),
    "oblique": (OBLIQUE, (1.5, 1.5, 1.5)),
    "anisotropic": (np.diag([-1.0, -1.0, 1.0]), (0.8, 0.8, 5.0)),
    "left-handed": (np.diag([-1.0, -1.0, -1.0]), (1.2, 1.2, 2.0)),
    "left-handed and oblique": (OBLIQUE * (1, 1, -1), (1.2, 1.5, 2.0)),
    "sheared": (SHEAR, (1.2, 1.2, 2.0)),
    "left-handed and sheared": (SHEAR * (-1, 1, 1), (1.2, 1.2, 2.0)),
}
DTYPES = (np.int16, np.uint16, np.float32)


def segment_by_threshold(volume_node, **options):
    """The whole way but the network: node to volume, labels, node."""
    from BoneSegLib.scene.read import volume_from_node
    from BoneSegLib.scene.write import write_segmentation

    volume = volume_from_node(volume_node)
    labels = np.where(volume.array > 300, 3, 0).astype(np.uint8)
    return write_segmentation(LabelMap(labels, volume.geometry), volume_node, **options)


def read_with_itk(path: Path) -> tuple[np.ndarray, Geometry]:
    """A file as a program that is not ours sees it: its first label, and its grid."""
    image = SimpleITK.ReadImage(str(path))
    matrix = np.eye(4)
    matrix[:3, :3] = np.asarray(image.GetDirection()).reshape(3, 3) * np.asarray(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image) == 3, Geometry(image.GetSize(), np.diag([-1, -1, 1, 1]) @ matrix)


def write_image(path: Path, array: np.ndarray, geometry: Geometry) -> None:
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing(geometry.spacing)
    to_lps = np.diag([-1.0, -1.0, 1.0])
    image.SetDirection((to_lps @ geometry.directions).ravel().tolist())
    image.SetOrigin((to_lps @ geometry.origin).tolist())
    SimpleITK.WriteImage(image, str(path), True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", GRIDS)
def test_a_solid_in_the_scene_comes_back_in_place_through_node_and_files(a_scene, tmp_path, kind, dtype):
    from BoneSegLib.scene.volume_node import add_volume_node

    geometry = grid_around(SOLID, *GRIDS[kind])
    image = image_of(SOLID, geometry, dtype)
    segmentation = segment_by_threshold(add_volume_node(Volume(image, geometry)))
    for suffix in (".seg.nrrd", ".nii.gz", ".nrrd"):
        path = save_segmentation(segmentation, tmp_path / f"out{suffix}")
        labels = read_labelmap(path)
        assert labels.geometry.matches(geometry)
        assert np.array_equal(labels.array == 3, image > 300)
        assert_in_place(labels.array, labels.geometry, SOLID)
        if suffix != ".nii.gz" or geometry.shear_degrees < 1:
            mask, grid = read_with_itk(path)
            assert grid.matches(geometry)
            assert_in_place(mask, grid, SOLID)


# ITK, which writes these files, cannot write sheared NIfTI.
@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        (kind, suffix)
        for kind in GRIDS
        for suffix in (".nrrd", ".mha", ".nii.gz")
        if not (suffix == ".nii.gz" and "sheared" in kind)
    ],
)
def test_a_solid_in_a_file_comes_back_on_the_grid_of_the_file(a_scene, tmp_path, kind, suffix):
    geometry = grid_around(SOLID, *GRIDS[kind])
    write_image(tmp_path / f"ct{suffix}", image_of(SOLID, geometry, np.int16), geometry)
    node = read_volume_node(tmp_path / f"ct{suffix}")
    path = save_segmentation(segment_by_threshold(node), tmp_path / "out.nii.gz")
    labels = read_labelmap(path)
    assert labels.geometry.matches(geometry)
    assert_in_place(labels.array, labels.geometry, SOLID)


@pytest.mark.parametrize("kind", GRIDS)
def test_a_solid_loaded_by_slicer_itself_comes_back_in_place(a_scene, tmp_path, kind):
    """Slicer's own reader may turn a left-handed grid round; in the world nothing moves."""
    import slicer

    geometry = grid_around(SOLID, *GRIDS[kind])
    write_image(tmp_path / "ct.nrrd", image_of(SOLID, geometry, np.int16), geometry)
    segmentation = segment_by_threshold(slicer.util.loadVolume(str(tmp_path / "ct.nrrd")))
    for suffix in (".seg.nrrd", ".nii.gz"):
        labels = read_labelmap(save_segmentation(segmentation, tmp_path / f"out{suffix}"))
        assert_in_place(labels.array, labels.geometry, SOLID)


@pytest.mark.parametrize("kind", ["oblique", "left-handed", "sheared"])
def test_a_solid_in_a_saved_scene_comes_back_in_place(a_scene, tmp_path, kind):
    import slicer

    from BoneSegLib.headless.scenes import read_scene, write_scene
    from BoneSegLib.scene.labels import labelmap_from_segmentation
    from BoneSegLib.scene.volume_node import add_volume_node

    geometry = grid_around(SOLID, *GRIDS[kind])
    add_volume_node(Volume(image_of(SOLID, geometry, np.int16), geometry, name="CT"))
    write_scene(tmp_path / "scene.mrb")
    read_scene(tmp_path / "scene.mrb", clear=True)
    segment_by_threshold(slicer.util.getNode("CT"), name="Bones")
    write_scene(tmp_path / "again.mrb")
    read_scene(tmp_path / "again.mrb", clear=True)
    labels = labelmap_from_segmentation(slicer.util.getNode("Bones"))
    assert_in_place(labels.array, labels.geometry, SOLID)


def test_a_sheared_nifti_keeps_its_shear(a_scene, tmp_path):
    from BoneSegLib.headless.nifti_write import write_nifti

    geometry = grid_around(SOLID, *GRIDS["sheared"])
    write_nifti(np.where(image_of(SOLID, geometry, np.int16) > 300, 200, 0), geometry, tmp_path / "ct.nii.gz")
    node = read_volume_node(tmp_path / "ct.nii.gz")
    from BoneSegLib.scene.read import volume_from_node

    volume = volume_from_node(node)
    assert volume.geometry.matches(geometry)
    assert_in_place(volume.array, volume.geometry, SOLID)


def test_writing_sheared_nifti_warns_that_slicer_straightens_it(tmp_path):
    from BoneSegLib.headless.write import write_labelmap

    told: list[str] = []
    for kind in ("oblique", "sheared"):
        geometry = grid_around(SOLID, *GRIDS[kind])
        write_labelmap(LabelMap(np.zeros(geometry.shape, np.uint8), geometry), tmp_path / "a.nii.gz", warn=told.append)
    assert len(told) == 1 and ".nrrd" in told[0]


def test_the_volume_of_a_solid_is_right_on_a_sheared_grid():
    geometry = grid_around(SOLID, *GRIDS["sheared"])
    voxels = int((image_of(SOLID, geometry, np.int16) > 300).sum())
    assert voxels * geometry.voxel_volume == pytest.approx(SOLID.volume, rel=0.03)


LINEAR = {
    "rotation": np.array([[0.94, -0.34, 0, 30], [0.34, 0.94, 0, -12], [0, 0, 1, 5], [0, 0, 0, 1]]),
    "shear": np.array([[1, 0.3, 0, 3], [0, 1, 0.2, 4], [0, 0, 1.1, 5], [0, 0, 0, 1]]),
    "mirror": np.diag([-1.0, 1.0, 1.0, 1.0]),
    "rotation, shear and mirror": np.array([[-0.9, 0.4, 0.1, 8], [0.3, 0.9, 0, -20], [0.1, 0, 1, 9], [0, 0, 0, 1]]),
}


def add_linear_transform(matrix: np.ndarray):
    import slicer

    from BoneSegLib.scene.matrices import to_vtk

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    node.SetMatrixTransformToParent(to_vtk(matrix))
    return node


@pytest.mark.parametrize("kind", ["axial", "oblique", "left-handed", "sheared"])
@pytest.mark.parametrize("transform", LINEAR)
def test_the_result_lies_under_the_same_linear_transform_and_in_place_in_the_world(a_scene, transform, kind):
    from BoneSegLib.scene.labels import labelmap_from_segmentation
    from BoneSegLib.scene.volume_node import add_volume_node

    matrix = LINEAR[transform]

    def place(points: np.ndarray) -> np.ndarray:
        return points @ matrix[:3, :3].T + matrix[:3, 3]

    geometry = grid_around(SOLID, *GRIDS[kind], place=place)
    node = add_volume_node(Volume(image_of(SOLID, geometry, np.int16, place=place), geometry))
    node.SetAndObserveTransformNodeID(add_linear_transform(matrix).GetID())
    segmentation = segment_by_threshold(node)
    assert segmentation.GetTransformNodeID() == node.GetTransformNodeID()
    own = labelmap_from_segmentation(segmentation)
    assert own.geometry.matches(geometry)
    assert_in_place(own.array, own.geometry, SOLID, place=place)
    world = labelmap_from_segmentation(segmentation, world=True)
    assert_in_place(world.array, world.geometry, SOLID)


def add_bending_transform(kind: str):
    """A smooth warp of a few mm, as a thin-plate spline or a displacement grid."""
    import slicer
    import vtk

    if kind == "thin-plate spline":
        spline = vtk.vtkThinPlateSplineTransform()
        source, target = vtk.vtkPoints(), vtk.vtkPoints()
        rng = np.random.default_rng(3)
        for x in (-40, 60):
            for y in (-60, 40):
                for z in (-30, 70):
                    source.InsertNextPoint(x, y, z)
                    target.InsertNextPoint(*(np.array([x, y, z]) + rng.uniform(-6, 6, 3)))
        spline.SetSourceLandmarks(source)
        spline.SetTargetLandmarks(target)
        spline.SetBasisToR()
        # A spline bends points, so it is what takes points to the parent.
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
        node.SetAndObserveTransformToParent(spline)
        return node
    size, step, low = 12, 12.0, np.array([-60.0, -80.0, -45.0])
    k, j, i = np.indices((size, size, size))
    points = np.stack([i, j, k], axis=-1) * step + low
    field = 4 * np.sin(points[..., [1, 2, 0]] / 30.0)
    image = vtk.vtkImageData()
    image.SetDimensions(size, size, size)
    image.SetSpacing(step, step, step)
    image.SetOrigin(low)
    image.AllocateScalars(vtk.VTK_DOUBLE, 3)
    from vtk.util.numpy_support import vtk_to_numpy

    vtk_to_numpy(image.GetPointData().GetScalars())[:] = field.reshape(-1, 3)
    transform = slicer.vtkOrientedGridTransform()
    transform.SetDisplacementGridData(image)
    transform.SetInterpolationModeToCubic()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLGridTransformNode")
    node.SetAndObserveTransformToParent(transform)
    return node


@pytest.mark.parametrize("kind", ["axial", "oblique", "left-handed", "sheared"])
@pytest.mark.parametrize("transform", ["thin-plate spline", "displacement grid"])
def test_the_result_lies_under_the_same_bending_transform_and_in_place_in_the_world(a_scene, transform, kind):
    import vtk

    from BoneSegLib.scene.labels import labelmap_from_segmentation
    from BoneSegLib.scene.volume_node import add_volume_node

    bending = add_bending_transform(transform)
    to_world = vtk.vtkGeneralTransform()
    bending.GetTransformToWorld(to_world)

    def place(points: np.ndarray) -> np.ndarray:
        return np.array([to_world.TransformPoint(point) for point in points])

    axes, spacing = GRIDS[kind]
    geometry = grid_around(SOLID, axes, spacing, place=place)
    node = add_volume_node(Volume(image_of(SOLID, geometry, np.int16, place=place), geometry))
    node.SetAndObserveTransformNodeID(bending.GetID())
    segmentation = segment_by_threshold(node)
    assert segmentation.GetTransformNodeID() == bending.GetID()
    own = labelmap_from_segmentation(segmentation)
    assert_in_place(own.array, own.geometry, SOLID, place=place)
    world = labelmap_from_segmentation(segmentation, world=True)
    points = world_points(world.geometry)[world.array.ravel() > 0]
    voxel = np.abs(world.geometry.ijk_to_ras[:3, :3]).sum(axis=1)
    assert np.all(np.abs(points.mean(axis=0) - SOLID.centroid) <= 0.5 * voxel)
    assert len(points) * world.geometry.voxel_volume == pytest.approx(SOLID.volume, rel=0.07)


@pytest.mark.parametrize("kind", ["axial", "sagittal", "coronal", "oblique", "anisotropic", "left-handed", "sheared"])
def test_a_solid_in_a_dicom_series_comes_back_in_place(a_scene, tmp_path, kind):
    axes, spacing = GRIDS[kind]
    if kind == "sheared":  # a tilted gantry: the images themselves are right-angled
        axes = np.array([[1, 0, 0], [0, 1, 0.3], [0, 0, 0.95]])
    geometry = grid_around(SOLID, axes, spacing)
    write_series(tmp_path / "series", image_of(SOLID, geometry, np.int16), geometry)
    node = read_volume_node(tmp_path / "series")
    assert node.GetImageData().GetScalarRange() == (40, 700)
    labels = read_labelmap(save_segmentation(segment_by_threshold(node), tmp_path / "out.seg.nrrd"))
    assert_in_place(labels.array, labels.geometry, SOLID)
    assert int((labels.array > 0).sum()) == int((image_of(SOLID, geometry, np.int16) > 300).sum())
