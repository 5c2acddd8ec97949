"""Any grid with any values: labels on the same grid, or an error that a person can act on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from BoneSegLib import Geometry, SegmentOptions, Volume, segment
from BoneSegLib.checks import describe, examine
from BoneSegLib.errors import BoneSegError
from BoneSegLib.flags import flags_of, measures_of
from BoneSegLib.inference import stage
from BoneSegLib.inference.loading import LoadedStage
from BoneSegLib.volume import LabelMap
from Testing.support.nnunet_folder import write_quick_folder

UNHURRIED = {"deadline": None, "suppress_health_check": list(HealthCheck)}
QUICK = settings(max_examples=40, derandomize=True, **UNHURRIED)
THOROUGH = settings(max_examples=1500, **UNHURRIED)

SIZES = st.tuples(*[st.one_of(st.integers(1, 4), st.integers(1, 28))] * 3)
SPACINGS = st.tuples(*[st.sampled_from([0.02, 0.3, 0.7, 1.0, 1.5, 3.0, 6.0, 14.0, 25.0])] * 3)
DTYPES = st.sampled_from(["u1", "i1", "i2", ">i2", "u2", "i4", "u4", "i8", "f2", "f4", "f8", "?", "c8"])
VALUES = st.sampled_from(["ct", "zeros", "huge", "tiny", "steps", "nan", "infinite", "air", "shifted"])


@st.composite
def directions(draw) -> np.ndarray:
    """Axes in any direction: straight, turned, mirrored, sheared, nearly or wholly flat."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    kind = draw(st.sampled_from(["straight", "permuted", "turned", "mirrored", "sheared", "flat"]))
    axes = np.eye(3)
    if kind == "permuted":
        axes = axes[:, rng.permutation(3)] * rng.choice([-1.0, 1.0], 3)
    elif kind != "straight":
        axes, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    if kind == "mirrored":
        axes[:, 0] *= -1
    elif kind == "sheared":
        axes[:, 2] += rng.uniform(-0.8, 0.8) * axes[:, 0]
    elif kind == "flat":
        axes[:, 2] = axes[:, 0] + 1e-9 * axes[:, 2]
    return axes


@st.composite
def volumes(draw) -> Volume:
    size, spacing = draw(SIZES), draw(SPACINGS)
    seed, kind, dtype = draw(st.integers(0, 10_000)), draw(VALUES), draw(DTYPES)
    far = draw(st.sampled_from([0.0, 250.0, 1e7]))
    geometry = Geometry.from_spacing(size, spacing, origin=(far, -far, far), directions=draw(directions()))
    with np.errstate(all="ignore"):
        array = _values(kind, size[::-1], np.random.default_rng(seed)).astype(dtype)
    return Volume(np.asfortranarray(array) if seed % 2 else array, geometry)


def _values(kind: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    array = rng.normal(0, 400, shape)
    if kind == "zeros":
        return np.zeros(shape)
    if kind == "huge":
        return array * 1e30
    if kind == "tiny":
        return array * 1e-30
    if kind == "steps":
        return rng.integers(0, 4, shape).astype(float)
    if kind in ("nan", "infinite"):
        array.flat[0] = np.nan if kind == "nan" else np.inf
    if kind == "air":
        return np.full(shape, -1024.0)
    return array + 1024 if kind == "shifted" else array


@pytest.fixture(scope="module")
def a_model(tmp_path_factory):
    return write_quick_folder(tmp_path_factory.mktemp("model"))


@pytest.fixture
def a_quick_network(monkeypatch):
    """Bone where the image is bright, so that a run takes milliseconds."""

    def bright_is_bone(batch: torch.Tensor) -> torch.Tensor:
        return torch.cat([-batch[:, :1], batch[:, :1], torch.full_like(batch[:, :1], -9.0)], dim=1)

    monkeypatch.setattr(stage, "load_stage", lambda *_: LoadedStage((bright_is_bone,), (0, 1, 2)))


def _labels_or_a_clear_error(volume: Volume, model, *, refine: bool) -> None:
    before = volume.array.copy()
    options = SegmentOptions(model=model, device="cpu", precision="fp32", force=True, refine=refine)
    try:
        labels = segment(volume, options)
    except BoneSegError as error:
        assert error.message and error.exit_code in (3, 5), error
    else:
        assert labels.geometry is volume.geometry
        assert labels.array.shape == volume.array.shape
        assert labels.array.dtype == np.uint8
        assert set(np.unique(labels.array)) <= {0, 1, 2}
        confidence = labels.info["confidence"]
        assert isinstance(confidence, dict)
        assert all(0.0 < value <= 1.0 for value in confidence.values())
    assert np.array_equal(before, volume.array, equal_nan=volume.array.dtype.kind in "fc")


@QUICK
@given(volume=volumes(), refine=st.booleans())
def test_any_volume_gives_labels_or_a_clear_error(a_model, a_quick_network, volume, refine):
    _labels_or_a_clear_error(volume, a_model, refine=refine)


@pytest.mark.slow
@THOROUGH
@given(volume=volumes(), refine=st.booleans())
def test_any_of_many_volumes_gives_labels_or_a_clear_error(a_model, a_quick_network, volume, refine):
    _labels_or_a_clear_error(volume, a_model, refine=refine)


@QUICK
@given(volume=volumes())
def test_any_volume_can_be_examined_and_described(volume):
    for finding in examine(volume):
        assert finding.message and finding.severity in ("error", "warning", "note")
    if volume.array.dtype.kind in "iuf":
        assert "voxels" in describe(volume)


@QUICK
@given(seed=st.integers(0, 10_000), size=SIZES, spacing=SPACINGS, axes=directions(), share=st.floats(0, 1))
def test_any_label_map_can_be_judged_and_measured(seed, size, spacing, axes, share):
    rng = np.random.default_rng(seed)
    array = np.where(rng.random(size[::-1]) < share, rng.integers(0, 11, size[::-1]), 0).astype(np.uint8)
    labels = LabelMap(array, Geometry.from_spacing(size, spacing, directions=axes))
    flags = flags_of(labels)
    measures = measures_of(labels, array)
    for structure in labels.structures:
        is_there = bool((array == structure.label).any())
        assert (structure.id in measures) == is_there
        assert ("not found" in flags.get(structure.id, [])) == (not is_there)
