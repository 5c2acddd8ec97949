"""Two small trainings that the tests of this folder share."""

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


@pytest.fixture(params=[CT, MR])
def a_run(request) -> BallRun:
    return request.getfixturevalue("a_ct_run" if request.param == CT else "an_mr_run")
