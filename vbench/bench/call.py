"""The call that is being carried out, as it was made and as it can be made again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from vbench._invocation import argv
from vbench.indexes.recipe import Recipe
from vbench.runs.schema import Call

MASK = "…"
"""Stands for an address that is not written."""
_python: ContextVar[str | None] = ContextVar("python", default=None)


@contextmanager
def within_call(python: str) -> Iterator[None]:
    """Take what happens inside for part of this call; of calls within calls, the outer counts."""
    token = _python.set(_python.get() or python)
    try:
        yield
    finally:
        _python.reset(token)


def current_call() -> Call:
    """The call that is being carried out: the command line, else the call in Python."""
    words = argv.get()
    return Call(
        argv=None if words is None else masked(words),
        python=None if words is not None else _python.get(),
        folder=str(Path.cwd()),
    )


def masked(words: Sequence[str]) -> list[str]:
    """The words of a command line without the addresses that `--connect` gives."""
    shown: list[str] = []
    for word in words:
        option, equals, rest = word.partition("=")
        if shown and shown[-1] == "--connect":
            shown.append(mask_address(word))
        elif option == "--connect" and equals:
            shown.append(f"--connect={mask_address(rest)}")
        else:
            shown.append(word)
    return shown


def mask_address(word: str) -> str:
    """``NAME=URL`` without the URL."""
    return f"{word.partition('=')[0]}={MASK}"


def write_call(function: str, *values: object, **arguments: Any) -> str:
    """A call of a function in Python, as it would be written; what is None is left out."""
    words = [_written(value) for value in values]
    words += [f"{name}={_written(each)}" for name, each in arguments.items() if each is not None]
    return f"{function}({', '.join(words)})"


def _written(value: object) -> str:
    if isinstance(value, Path):
        return repr(str(value))
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_written(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    if isinstance(value, Recipe):
        # A class that was given is called so in the code that gave it.
        return value.name
    return str(value) if isinstance(value, Code) else repr(value)


class Code(str):
    """Text that is Python already."""


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
