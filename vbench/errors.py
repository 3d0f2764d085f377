"""Errors that are meant for a person: what was given, what is allowed, what to do."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

_HERE = f"{Path(__file__).parent}{os.sep}"


class VbenchError(Exception):
    """Something the caller can fix. The command line prints it and exits with code 2."""


class VbenchWarning(UserWarning):
    """What a caller must know before believing what comes; the command line prints it."""


class FailedTrialsWarning(VbenchWarning):
    """Planned trials left no result; the command line says so in its table."""


def warn(message: str, category: type[VbenchWarning] = VbenchWarning) -> None:
    """Warn as of the line that called vbench, wherever in vbench this is found out."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and _is_between(frame.f_code.co_filename):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level + 1)


def _is_between(file: str) -> bool:
    """Whether a file is vbench's own, or of what calls it in between."""
    return file.startswith(_HERE) or file in (contextlib.__file__, functools.__file__)


class DataError(VbenchError):
    """The vectors, the ground truth or a file that should hold them are not what they must be."""


class DamagedFileError(VbenchError):
    """A file of a run folder that is not what vbench wrote: `path` and what is wrong with it."""

    def __init__(self, path: object, problem: str, remedy: str) -> None:
        super().__init__(f"{path} is damaged ({problem}); {remedy}")
        self.path = path
        self.problem = problem


class UnknownNameError(VbenchError):
    """A name that is not known, with the nearest ones that are."""

    def __init__(self, kind: str, given: str, known: Iterable[str], hint: str = "") -> None:
        import difflib

        known = sorted(known)
        near = sorted((name for name in known if given and given in name), key=len)[:3]
        near = near or difflib.get_close_matches(given, known, n=3, cutoff=0.5)
        near = near or [name for name in known if _begins(given, name)][:3]
        message = f"unknown {kind} {given!r}"
        if near:
            message += f"; did you mean {' or '.join(map(repr, near))}?"
        shown = known if len(known) <= 20 or not near else [*known[:10], "…"]
        message += f" (known: {', '.join(shown) or 'none'})"
        super().__init__(f"{message}{'; ' + hint if hint else ''}")


def _begins(given: str, name: str) -> bool:
    """Whether another tool's longer word begins with ours: ``efSearch`` is ef."""
    return len(name) > 1 and given.lower().startswith(name.lower())


class MissingExtraError(VbenchError):
    """A feature whose optional packages are not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs: pip install 'vbench-ann[{extra}]'")
