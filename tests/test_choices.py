"""A word that is not allowed is refused with the nearest."""

from __future__ import annotations

import pytest

from vbench._choices import check_choice
from vbench.errors import UnknownNameError


def test_what_is_allowed_passes() -> None:
    """Nothing is said of it."""
    check_choice("per", "query", ("setting", "query"))


@pytest.mark.parametrize("given", ["querry", 3, None, ["query"], "QUERY"])
def test_another_word_is_refused(given: object) -> None:
    """Whatever it is; all that are allowed are named."""
    with pytest.raises(UnknownNameError, match=r"value of per: .*query, setting"):
        check_choice("per", given, ("setting", "query"))


def test_the_nearest_is_named() -> None:
    """A slip of the keys is no riddle."""
    with pytest.raises(UnknownNameError, match="did you mean 'query'"):
        check_choice("per", "querry", ("setting", "query"))
