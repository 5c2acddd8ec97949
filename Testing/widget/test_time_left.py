"""How much longer: judged by a clock that the test turns."""

from __future__ import annotations

import pytest


@pytest.fixture
def a_clock(a_module):
    a_module()  # makes the module's parts importable
    return [100.0]


def _left(clock, expected, news):
    from BoneSegWidgets.timeLeft import TimeLeft

    left = TimeLeft(expected, clock=lambda: clock[0])
    told = []
    for seconds, fraction, step in news:
        clock[0] = 100.0 + seconds
        told.append(left.update(fraction, step))
    return told


def test_nothing_is_said_before_something_is_known(a_clock):
    assert _left(a_clock, None, [(0, 0.0, "one"), (1, 0.01, "one")]) == [None, None]


def test_a_steady_run_ends_when_it_was_said_to(a_clock):
    told = _left(a_clock, None, [(second, second / 50, "one") for second in range(0, 50, 5)])
    assert told[1:] == pytest.approx([50 - second for second in range(5, 50, 5)])


def test_the_first_of_several_steps_goes_by_the_forecast(a_clock):
    told = _left(a_clock, 100.0, [(0, 0.02, "one"), (5, 0.15, "one")])
    assert told == pytest.approx([100.0, 95.0])


def test_a_later_step_is_judged_by_itself(a_clock):
    told = _left(a_clock, 10.0, [(0, 0.02, "one"), (5, 0.15, "one"), (5, 0.15, "two"), (25, 0.35, "two")])
    assert told[2:] == [None, pytest.approx(65.0)]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (7, "7 s"),
        (43, "45 s"),
        (75, "1 min 10 s"),
        (301, "5 min"),
        (3600, "1 h 0 min"),
        (9000, "2 h 30 min"),
    ],
)
def test_a_length_of_time_is_told_as_people_say_it(a_module, seconds, text):
    a_module()
    from BoneSegWidgets.texts import duration

    assert duration(seconds) == text
