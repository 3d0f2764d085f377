"""Third-party code: what goes wrong when it is imported or called is reported in one line.

It is imported in a process of its own first: a crash or a hang costs no other.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_string
from importlib.metadata import Distribution, PackageNotFoundError, entry_points
from typing import Any, NamedTuple

from vbench._process.text import describe_error, signal_name
from vbench.errors import UnknownNameError, VbenchError

_OWN = "vbench-ann"
IMPORT_SECONDS = 120.0
"""How long an import may take; compilers and large libraries need some."""
_STATEMENTS = {
    "module": "import importlib; importlib.import_module(sys.argv[2])",
    "wrapper": "from vbench.indexes.annb import wrapper_class; wrapper_class(sys.argv[2])",
}
# What it raises is for the import that follows to say.
_CODE = """import os, sys
os.dup2(2, 1)
try:
    {statement}
except BaseException:
    pass
os.write(int(sys.argv[1]), b".")
os._exit(0)
"""


@contextlib.contextmanager
def guard(problem: str) -> Iterator[None]:
    """Send what the code prints to standard error, and say what it raises after `problem`.

    Standard output is for the one JSON document.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except VbenchError:
        raise
    # Third-party code may raise anything, SystemExit included.
    except (Exception, SystemExit) as error:
        raise VbenchError(f"{problem} ({describe_error(error)})") from error


def see_working_directory() -> None:
    """Look for modules there too: the installed command does not, unlike `python -m`."""
    if "" not in sys.path and (here := os.getcwd()) not in sys.path:  # noqa: PTH109
        sys.path.append(here)


def load(target: str, kind: str, *, installed: bool = False) -> Any:
    """Import ``module:name``; the working directory is searched too, but for what is installed.

    Parameters
    ----------
    kind
        What `name` should be, for messages: ``class``.
    installed
        An installed package registers it: the working directory, which may be anybody's, has
        nothing to say.

    Raises
    ------
    VbenchError
        It cannot be imported.
    UnknownNameError
        The module has no such name.
    """
    module, _, name = target.partition(":")
    if not installed:
        see_working_directory()
    with guard(f"{target} cannot be imported"):
        found = importlib.import_module(module)
    if not hasattr(found, name):
        own = [
            name
            for name, each in vars(found).items()
            if isinstance(each, type) and each.__module__ == module
        ]
        raise UnknownNameError(f"{kind} of the module {module}", name, own)
    return getattr(found, name)


class Entry(NamedTuple):
    """What a distribution registers under a name; nothing of it is imported."""

    name: str
    target: str
    """``module:name``"""
    origin: str
    """The distribution that registers it."""
    hidden: tuple[str, ...] = ()
    """Other distributions that register something else under the same name, and are not used."""


def discover(group: str) -> dict[str, Entry]:
    """What is registered in a group of entry points, by name.

    Where two distributions take the same name, vbench's own comes first, then the alphabet.
    """
    found = {
        Entry(each.name, each.value, each.dist.name if each.dist else "unknown")
        for each in entry_points(group=group)
    }
    chosen: dict[str, Entry] = {}
    for entry in sorted(found, key=lambda each: (each.name, each.origin != _OWN, each.origin)):
        first = chosen.setdefault(entry.name, entry)
        if entry.target != first.target:
            chosen[entry.name] = first._replace(hidden=(*first.hidden, entry.origin))
    return chosen


def installed_version(distribution: str) -> str | None:
    """The version of a distribution, or None where it is not installed."""
    try:
        found = Distribution.from_name(distribution)
    except PackageNotFoundError:
        return None
    # Of its metadata the head is parsed alone: a whole README follows.
    head, gap, _ = (found.read_text("METADATA") or "").partition("\n\n")
    return message_from_string(head)["Version"] if gap else found.version


def rehearse_import(name: str, kind: str = "module") -> None:
    """Import a module (or load a wrapper) elsewhere, to see that the process survives it.

    Raises
    ------
    VbenchError
        It ends the process, or does not end by itself.
    """
    seen, said = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", _CODE.format(statement=_STATEMENTS[kind]), str(said), name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(each or "." for each in sys.path)},
            pass_fds=[said],
            start_new_session=True,
        )
        try:
            code = process.wait(IMPORT_SECONDS)
        except subprocess.TimeoutExpired:
            raise VbenchError(
                f"{name} cannot be imported (it does not end within {IMPORT_SECONDS:g} s); "
                "move what takes long, or waits, from the module into fit"
            ) from None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.set_blocking(seen, False)
        with contextlib.suppress(BlockingIOError):
            if os.read(seen, 1):
                return
    finally:
        os.close(seen)
        os.close(said)
    how = f"exit code {code}" if code >= 0 else signal_name(-code)
    raise VbenchError(
        f"{name} cannot be imported (it ends the process: {how}); import it by hand with "
        "python -X faulthandler to see where"
    )
