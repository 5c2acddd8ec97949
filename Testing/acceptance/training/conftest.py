"""Three small trainings that the tests of this folder share."""

from __future__ import annotations

import pytest

from Testing.support.ball_runs import BallRun, train_on_balls
from Testing.support.balls import CT, MR


@pytest.fixture(scope="session")
def a_ct_run(tmp_path_factory) -> BallRun:
    return train_on_balls(tmp_path_factory.mktemp("ct"), CT)


@pytest.fixture(scope="session")
def an_mr_run(tmp_path_factory) -> BallRun:
    return train_on_balls(tmp_path_factory.mktemp("mr"), MR)


@pytest.fixture(scope="session")
def a_thick_run(tmp_path_factory) -> BallRun:
    """Slices of 6 mm, pixels of 2 mm: kernels do not reach across slices everywhere."""
    return train_on_balls(tmp_path_factory.mktemp("thick"), MR, slices=36, every=3)


@pytest.fixture(params=["a_ct_run", "an_mr_run", "a_thick_run"])
def a_run(request) -> BallRun:
    return request.getfixturevalue(request.param)
