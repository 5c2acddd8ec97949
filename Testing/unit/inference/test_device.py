"""Which device and which number format are used."""

from __future__ import annotations

import pytest
import torch

from BoneSegLib.errors import MissingError, UsageError
from BoneSegLib.inference import device as module
from BoneSegLib.inference.device import choose_device, choose_precision
from BoneSegLib.options import SegmentOptions


@pytest.fixture(autouse=True)
def an_empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    return tmp_path


def test_auto_takes_a_gpu_where_there_is_one_and_the_cpu_elsewhere():
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert choose_device("auto").type in (expected, "mps")


def test_a_device_that_is_not_there_is_named_with_a_remedy():
    with pytest.raises(MissingError, match="cuda:63") as raised:
        choose_device("cuda:63")
    assert raised.value.exit_code == 4
    assert "--device cpu" in raised.value.remedy


@pytest.mark.parametrize("asked", ["gpu", "cuda:", "cuda:x", "cuda:0:1", "cuda:01", "cuda:300", "cpu:x", ""])
def test_a_device_that_nobody_knows_is_refused_wherever_it_is_said(asked):
    for refusing in (choose_device, lambda name: SegmentOptions(device=name)):
        with pytest.raises(UsageError, match=f"Unknown device '{asked}'"):
            refusing(asked)


@pytest.mark.parametrize("asked", ["fp32", "bf16"])
def test_a_precision_that_was_asked_for_is_used(asked):
    assert choose_precision(asked, torch.device("cpu")) == asked


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "fp32"), ((8, 0), "bf16"), ((9, 0), "bf16")])
def test_auto_takes_bf16_on_a_graphics_card_that_has_it_and_not_where_torch_emulates_it(
    capability, expected, monkeypatch
):
    asked = []
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: asked.append(device) or capability)
    assert choose_precision("auto", torch.device("cuda:1")) == expected
    assert asked == [torch.device("cuda:1")]


def test_bf16_is_refused_on_an_apple_gpu_that_cannot_do_it(monkeypatch):
    monkeypatch.setattr(module, "_mps_convolves", lambda dtype=torch.float32: dtype == torch.float32)
    with pytest.raises(UsageError, match="bf16"):
        choose_precision("bf16", torch.device("mps"))
    assert choose_precision("auto", torch.device("mps")) == "fp32"


@pytest.mark.parametrize(("gain", "expected"), [(2.0, "bf16"), (1.05, "fp32"), (0.01, "fp32")])
def test_auto_takes_bf16_only_where_a_probe_shows_it_to_be_faster(gain, expected, monkeypatch):
    monkeypatch.setattr(module, "_bf16_gain", lambda: gain)
    assert choose_precision("auto", torch.device("cpu")) == expected


def test_the_probe_runs_once_per_machine(monkeypatch, an_empty_cache):
    calls = []
    monkeypatch.setattr(module, "_bf16_gain", lambda: calls.append(1) or 2.0)
    assert [choose_precision("auto", torch.device("cpu")) for _ in range(3)] == ["bf16"] * 3
    assert len(calls) == 1
    assert [path.name for path in (an_empty_cache / "boneseg").iterdir()] == ["precision.json"]


def test_a_damaged_note_of_the_probe_is_made_anew(monkeypatch, an_empty_cache):
    monkeypatch.setattr(module, "_bf16_gain", lambda: 2.0)
    (an_empty_cache / "boneseg").mkdir()
    (an_empty_cache / "boneseg" / "precision.json").write_text("{broken")
    assert choose_precision("auto", torch.device("cpu")) == "bf16"
