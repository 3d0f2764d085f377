"""`vbench run --python A --python B`: the same run in several environments, then compared."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from vbench import _invocation
from vbench.errors import VbenchError
from vbench.render.terminal.output import say

_PATIENCE = 60.0
"""Seconds that an environment's run may take to clear up when this one is stopped."""
_OWN = {"--python": 1, "--out": 1, "--json": 0}
"""Options that are of the whole, and how many words follow each."""


class Environment(NamedTuple):
    """A Python to run vbench with, and what its run is called."""

    name: str
    python: Path


def read_environments(given: Sequence[str]) -> list[Environment]:
    """Read ``PATH`` or ``NAME=PATH``; a path may be the environment's folder.

    Raises
    ------
    VbenchError
        There is one alone, one is no Python, or two have one name.
    """
    if len(given) < 2:
        raise VbenchError("--python is given for each environment: --python A --python B")
    found = []
    for text in given:
        name, equals, path = text.partition("=")
        found.append(_find(name if equals else "", Path(path if equals else text)))
    named = [each._replace(name=each.name or _name_of(each.python)) for each in found]
    names = [each.name for each in named]
    for name in names:
        if names.count(name) > 1:
            raise VbenchError(
                f"two environments are called {name}; name them: --python before=PATH "
                "--python after=PATH"
            )
        if not name or set(name) & {"/", "\\"} or name in (".", ".."):
            raise VbenchError(f"{name!r} is no name of a folder; give --python NAME=PATH")
    return named


def _find(name: str, path: Path) -> Environment:
    inside = path / "bin" / "python"
    python = inside if inside.exists() else path
    if not python.is_file():
        raise VbenchError(
            f"{path} is no Python; give the environment's, such as {path / 'bin' / 'python'}"
        )
    # Not resolved: a link to another Python is what makes an environment.
    return Environment(name, python.absolute())


def _name_of(python: Path) -> str:
    """The environment's folder, ``before`` of ``before/bin/python``; else the file's name."""
    is_environment = python.parent.name in ("bin", "Scripts")
    return python.parent.parent.name if is_environment else python.name


def run_each(environments: Sequence[Environment], out: Path) -> tuple[list[Path], bool]:
    """Make this call's run in each environment; the run folders, and whether a trial failed.

    Raises
    ------
    VbenchError
        An environment has no vbench, or its run could not be made.
    """
    words = _without_own(_invocation.argv.get() or ())
    for each in environments:
        _check(each)
    folders, failed = [], False
    for each in environments:
        folder = out / each.name
        say(f"vbench: in {each.name} ({each.python})", err=True)
        code = _call([str(each.python), "-m", "vbench", *words, "--out", str(folder), "--json"])
        if code not in (0, 1):
            raise VbenchError(f"the run in {each.name} ended with exit code {code}; see above")
        failed |= code == 1
        folders.append(folder)
    return folders, failed


def _without_own(words: Sequence[str]) -> list[str]:
    kept, skipped = [], 0
    for word in words:
        option, equals, _ = word.partition("=")
        if skipped:
            skipped -= 1
        elif option in _OWN:
            skipped = 0 if equals else _OWN[option]
        else:
            kept.append(word)
    return kept


def _check(environment: Environment) -> None:
    command = [str(environment.python), "-c", "import vbench"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise VbenchError(
            f"{environment.name} cannot import vbench ({last}); install it there: "
            f"{environment.python} -m pip install vbench-ann"
        )


def _call(command: Sequence[str]) -> int:
    """Wait for a command whose progress goes to standard error; it ends where this one is ended."""
    sys.stderr.flush()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
            raise
