"""Every check of an index in a process of its own that may crash or hang."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe

import psutil

from vbench import processes
from vbench.adapters.conformance.checks import BASIC, CHECKS, perform
from vbench.adapters.conformance.subject import Finding, Subject
from vbench.adapters.recipe import Recipe, load_recipe
from vbench.adapters.registry import resolve

_MEMORY_LIMIT = 2 << 30
_REMEDY = "call fit and search by hand on a few thousand vectors, and see where it stops"
_LOOK_EVERY = 0.1
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")


def check_index(
    spec: str,
    *,
    timeout: float = 120.0,
    progress: Callable[[str, int, int], None] = lambda doing, done, total: None,
) -> list[Finding]:
    """Run every check on an index.

    Parameters
    ----------
    spec
        Recipe, TOML file, adapter, ``package.module:Class`` and so on, as `--index` takes it.
    timeout
        Seconds for each check.
    progress
        Called with the name of the check that starts, its number, and how many there are.

    Raises
    ------
    VbenchError
        There is no such index, or it cannot be imported.
    """
    recipe = load_recipe(spec)
    findings: list[Finding] = []
    while len(findings) < len(CHECKS):
        with _Child(recipe, first=len(findings)) as child:
            while len(findings) < len(CHECKS):
                name = CHECKS[len(findings)][0]
                progress(name, len(findings), len(CHECKS))
                found = child.next(timeout)
                finding = Finding(name, "fail", found, _REMEDY) if isinstance(found, str) else found
                findings.append(finding)
                if finding.status == "fail" and name == BASIC:
                    return [*findings, *_not_tried(len(findings))]
                if isinstance(found, str):
                    break
    return findings


def _not_tried(first: int) -> list[Finding]:
    reason = f"not tried, because {BASIC!r} failed"
    return [Finding(name, "skip", reason) for name, _ in CHECKS[first:]]


class _Child:
    """A process that runs the checks from the one numbered `first` on."""

    def __init__(self, recipe: Recipe, first: int) -> None:
        self._ours, theirs = Pipe()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed in __exit__)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                env={**os.environ, **dict.fromkeys(_THREADS, "1")},
                start_new_session=True,
            )
        sweep = {
            name: values if isinstance(values, list) else [values]
            for name, values in recipe.search.items()
        }
        build = {
            name: value[0] if isinstance(value, list) else value
            for name, value in recipe.build.items()
        }
        self._ours.send((sys.path, recipe.adapter, build, sweep, first))

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        processes.end(self._process)
        self._ours.close()
        self._log.close()

    def next(self, timeout: float) -> Finding | str:
        """The next finding, or the reason why there will be none."""
        process = psutil.Process(self._process.pid)
        end = time.monotonic() + timeout
        try:
            while not self._ours.poll(_LOOK_EVERY):
                if time.monotonic() > end:
                    return f"did not end within {timeout:g} s"
                if process.memory_info().rss > _MEMORY_LIMIT:
                    return f"took more than {_MEMORY_LIMIT >> 30} GB for a few thousand vectors"
            return Finding(*self._ours.recv())
        except (EOFError, ConnectionError, psutil.NoSuchProcess):
            return self._death(timeout)

    def _death(self, timeout: float) -> str:
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return "the process closed the pipe to the kit and went on"
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return f"the process {how}" + (f"; it said: {lines[-1].strip()}" if lines else "")


def _serve(connection: Connection) -> None:
    """Run checks one after another, and send each finding at once."""
    path, adapter, build, sweep, first = connection.recv()
    sys.path[:] = path
    subject = Subject(resolve(adapter), build, sweep)
    for number in range(first, len(CHECKS)):
        finding = perform(number, subject)
        connection.send(tuple(finding))
    connection.poll(None)  # the kit ends this process, and what the index has started


if __name__ == "__main__":
    _serve(Connection(int(sys.argv[1])))
