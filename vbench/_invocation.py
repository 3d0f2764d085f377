"""The call that is being carried out: its command line, for what keeps it, and what it trusts.

Light: `vbench --help` needs it.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

argv: ContextVar[tuple[str, ...] | None] = ContextVar("argv", default=None)
"""The words after `vbench`; None where nothing came from a command line."""
say: Callable[[str], None] | None = None
"""Prints a line to the person at once; None where nothing came from a command line."""
_TRUSTED = ContextVar("vbench_trusted", default=False)
_OPTIONS = {
    "filters": "--filter",
    "indexes": "--index",
    "k": "-k",
    "memory_limit": "--memory",
    "rankers": "--ranker",
    "settings": "--set",
}
"""Options that are not called as the argument in Python is."""


def spell_option(name: str, value: object = None) -> str:
    """An argument as the caller writes it: ``out=FOLDER`` in Python, else ``--out FOLDER``.

    Parameters
    ----------
    name
        As the function in Python has it.
    value
        What to give it; True for a switch, False for ``none``; COLUMN, FILE, N and NAME stand for
        what the caller has. Default: the name alone is meant.
    """
    stands_for = value in ("COLUMN", "FILE", "N", "NAME")
    if argv.get() is None:
        return name if value is None else f"{name}={value if stands_for else repr(value)}"
    option = _OPTIONS.get(name, f"--{name.replace('_', '-')}")
    if value is None or value is True:
        return option
    if isinstance(value, Mapping):
        words = [f"{key}={','.join(map(str, each))}" for key, each in value.items()]
    else:
        words = ["none" if value is False else str(value)]
    return " ".join([option, *(word if stands_for else shlex.quote(word) for word in words)])


def advise_trust() -> str:
    """What to do about a file that would run code, or unpack to any size."""
    return f"if it comes from somebody you trust, {spell_option('trust', True)}"


@contextmanager
def within_command(words: Sequence[str] | None) -> Iterator[None]:
    """Take what happens inside for the doing of this command line."""
    token = argv.set(tuple(sys.argv[1:] if words is None else words))
    try:
        yield
    finally:
        argv.reset(token)


def is_trusted() -> bool:
    """Whether the files of this call may name code and unpack to any size."""
    return _TRUSTED.get()


@contextmanager
def trusting(given: bool = True) -> Iterator[None]:
    """Trust the files that are opened inside; False leaves it as it is."""
    token = _TRUSTED.set(given or _TRUSTED.get())
    try:
        yield
    finally:
        _TRUSTED.reset(token)
