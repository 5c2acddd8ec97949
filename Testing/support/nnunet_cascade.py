"""A small cascade, trained in seconds on the phantom: a coarse network, and a fine one that sees its names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from BoneSegLib.models.network import build_network
from BoneSegLib.models.plans import parse_plans
from Testing.support.nnunet_folder import DATASET_JSON, configuration, plans_json, to_plain_conv_unet, write_folder
from Testing.support.phantoms import two_blocks

COARSE, FINE = "3d_lowres", "3d_cascade_fullres"


def write_trained_cascade(folder: Path, *, seed: int = 0) -> Path:
    """Writes both networks as nnU-Net would, and the boneseg.json that puts them together. Returns the folder."""
    plans = plans_json()
    coarse = configuration(spacing=(4.0, 4.0, 4.0), patch=(16, 24, 24))
    fine = {**configuration(spacing=(2.0, 1.5, 1.5), patch=(32, 32, 32)), "previous_stage": COARSE}
    plans["configurations"] = {COARSE: coarse, FINE: fine}
    for name in (COARSE, FINE):
        trained = write_folder(folder, plans, DATASET_JSON, {"0": _train(plans, name, seed=seed)}, name=name)
    manifest = {
        "name": "cascade",
        "structures": {"ball": 1, "box": 2},
        "stages": {"fast": [COARSE], "full": [COARSE, FINE]},
    }
    (trained.parent / "boneseg.json").write_text(json.dumps(manifest))
    return trained.parent


def _train(plans: dict[str, Any], name: str, *, seed: int, steps: int = 80) -> dict[str, torch.Tensor]:
    """The coarse network learns what the bodies are called. The fine one learns to keep the name that it is shown, and
    to leave out what is no body: its answer needs the image and the names, wherever these lie."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    parsed = parse_plans(plans).configuration(name)
    inputs = 1 if parsed.previous_stage is None else 3
    network = build_network(parsed.architecture, in_channels=inputs, heads=3)
    extent = [round(size * step) for size, step in zip((72, 100, 100), (2.0, 1.5, 1.5), strict=True)]
    shape = tuple(
        max(int(mm / step), size) for mm, step, size in zip(extent, parsed.spacing, parsed.patch, strict=True)
    )
    volume, labels = two_blocks(shape, parsed.spacing[::-1], seed=seed)
    image = torch.from_numpy((np.clip(volume.array, -200, 1200) - 500.0) / 250.0).float()
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)
    for _ in range(steps):
        corner = [int(rng.integers(0, n - p + 1)) for n, p in zip(image.shape, parsed.patch, strict=True)]
        window = tuple(slice(c, c + p) for c, p in zip(corner, parsed.patch, strict=True))
        target, channels = labels[window], [image[window]]
        if inputs > 1:
            names = np.roll(labels, rng.integers(-4, 5, 3), axis=(0, 1, 2))[window]
            if rng.random() < 0.5:
                names = np.array([0, 2, 1], dtype=np.uint8)[names]
            target = np.where(target > 0, names, 0)
            channels += [torch.from_numpy(names == value).float() for value in (1, 2)]
        answer = network(torch.stack(channels)[None])
        loss = torch.nn.functional.cross_entropy(answer, torch.from_numpy(target).long()[None])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return to_plain_conv_unet(network, parsed.architecture, plans["configurations"][name], in_channels=inputs)
