"""Where in an index's own code something went wrong: file, line and function."""

from __future__ import annotations

import inspect
import os
import re
import sys
import traceback
from pathlib import Path

from vbench.indexes.protocol import Index

_KIT = Path(__file__).parent
_VBENCH = _KIT.parents[1]
_PYTHON = Path(os.__file__).parent
_DUMP = re.compile(r"^(Fatal Python error: |Timeout \()", re.MULTILINE)
_FRAME = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.MULTILINE)
_METHODS = frozenset(name for name, value in vars(Index).items() if callable(value))


def place_of_error(error: BaseException, kind: type[Index]) -> str:
    """``file.py:12, in search``: the deepest frame of the index's own code, else of the library.

    Empty where no frame but vbench's own is in it.
    """
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not Path(frame.filename).is_relative_to(_KIT)
    ]
    own = [frame for frame in frames if _is_own(Path(frame.filename), kind)]
    foreign = [frame for frame in frames if _is_foreign(Path(frame.filename))]
    if found := (own or foreign):
        return f"{_shown(found[-1].filename)}:{found[-1].lineno}, in {found[-1].name}"
    return ""


def place_of_dump(log: str, kind: type[Index]) -> tuple[str, str]:
    """What a process printed before :mod:`faulthandler` told of its end, and the place it tells.

    The place is the deepest frame of the index's own code, in whatever thread; empty without one.
    """
    start = _DUMP.search(log)
    if start is None:
        return log, ""
    for file, line, name in _FRAME.findall(log, start.start()):
        if _is_own(Path(file), kind):
            return log[: start.start()], f"{_shown(file)}:{line}, in {name}"
    return log[: start.start()], ""


def place_of_method(name: str, kind: type[Index]) -> str:
    """``file.py:12, in search``: where the index defines a method of the protocol, or empty."""
    if name not in _METHODS:
        return ""
    try:
        code = inspect.unwrap(getattr(kind, name)).__code__
    except (AttributeError, ValueError):
        return ""
    if not _is_own(Path(code.co_filename), kind):
        return ""
    return f"{_shown(code.co_filename)}:{code.co_firstlineno}, in {code.co_name}"


def _is_own(file: Path, kind: type[Index]) -> bool:
    """Whether it is the module of the index, or another of the same package."""
    for one in {*kind.__mro__, getattr(kind, "wrapped", kind)} - {Index, object}:
        module = sys.modules.get(one.__module__)
        source = getattr(module, "__file__", None)
        if source is None:
            continue
        if file == Path(source):
            return True
        package = sys.modules.get(one.__module__.partition(".")[0])
        roots = [] if package is module else list(getattr(package, "__path__", []))
        if any(file.is_relative_to(root) for root in roots if Path(root) != _VBENCH):
            return True
    return False


def _is_foreign(file: Path) -> bool:
    """Whether it is neither vbench's nor Python's."""
    installed = {"site-packages", "dist-packages"} & set(file.parts)
    own = file.is_relative_to(_VBENCH) or not file.is_file()
    return not own and (bool(installed) or not file.is_relative_to(_PYTHON))


def _shown(file: str) -> str:
    path, here = Path(file), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
