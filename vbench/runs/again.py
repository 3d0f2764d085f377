"""A call that a run keeps, as it can be made again."""

from __future__ import annotations

import shlex
from pathlib import Path

from vbench.runs.schema import Call


def repeat_command(call: Call) -> str:
    """What to type to make a call again, from any folder."""
    if call.argv is None:
        return call.python or ""
    words = [_found_from_anywhere(word, Path(call.folder)) for word in call.argv]
    return f"cd {shlex.quote(call.folder)} && {shlex.join(['vbench', *words])}"


def _found_from_anywhere(word: str, folder: Path) -> str:
    """A path that is there, absolute; anything else as it is."""
    if word.startswith("-") or not ("." in word or "/" in word):
        return word
    path = folder / word
    try:
        return str(path.resolve()) if path.exists() else word
    except OSError:
        return word
