"""Errors: told alike everywhere, each with a way out, and all of them on one page."""

from __future__ import annotations

import ast
import pickle

import pytest

from BoneSegLib.errors import ALL_KINDS, BoneSegError
from Testing.support.errors_page import PAGE, page, text_of


def test_the_page_of_errors_is_what_the_code_raises():
    assert PAGE.read_text(encoding="utf-8") == page(), "make docs writes it anew"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("'plain'", "plain"),
        ("f\"'{path.name}' is empty.\"", "'…' is empty."),
        ("'a' + ', '.join(b) + '.'", "a….'".rstrip("'")),
        ("'one' if x else 'two'", "one / two"),
        ("error.strerror or 'unknown'", "unknown"),
        ("_('The volume {name} is gone.')", "The volume … is gone."),
        ("str(error)", "…"),
    ],
)
def test_a_text_is_read_off_the_source_as_people_will_read_it(source, text):
    assert text_of(ast.parse(source, mode="eval").body) == text


@pytest.mark.parametrize("kind", ALL_KINDS)
def test_an_error_survives_the_way_from_process_to_process(kind):
    error = kind("What.", cause="Why.", remedy="Do.")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (kind, "What. Why. Do.")
    assert error.to_dict() == {
        "kind": kind.kind,
        "message": "What.",
        "cause": "Why.",
        "remedy": "Do.",
        "exit_code": kind.exit_code,
    }


def test_every_kind_is_listed_and_has_a_name_of_its_own():
    def below(kind):
        return {kind} | {one for child in kind.__subclasses__() for one in below(child)}

    ours = {kind for kind in below(BoneSegError) if kind.__module__ == BoneSegError.__module__}
    assert ours - {BoneSegError} == set(ALL_KINDS)
    assert len({kind.kind for kind in ALL_KINDS}) == len(ALL_KINDS)
