"""Arguments that allow few words: another one is refused with the nearest."""

from __future__ import annotations

from collections.abc import Collection

from vbench.errors import UnknownNameError


def check_choice(name: str, given: object, allowed: Collection[str]) -> None:
    """Refuse what is none of the allowed words.

    Raises
    ------
    UnknownNameError
        With the nearest ones, and all that are allowed.
    """
    if given not in tuple(allowed):
        raise UnknownNameError(f"value of {name}:", str(given), allowed)
