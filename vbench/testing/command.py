"""A library behind a command: it reads vectors from files, and writes the ids that it finds."""

from __future__ import annotations

import contextlib
import shlex
import string
import subprocess
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vbench.errors import VbenchError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from vbench.testing.scoring import Scores

VECTORS = ("fbin", "fvecs", "npy")
IDS = ("ibin", "ivecs", "npy")
_FIELDS = {"base": VECTORS, "queries": VECTORS, "ids": IDS, "k": (), "seed": ()}
_NEEDED = ("base", "queries", "ids", "seed")
_LONGEST = 2000
"""Characters of what a failed command printed that are shown."""


class Command:
    """A program that makes one build and writes its answers: the `build` of a test.

    Parameters
    ----------
    command
        The program with its arguments, as one text or a list. ``{base}`` and ``{queries}`` stand
        for files to read, ``{ids}`` for the file to write, ``{seed}`` and ``{k}`` for numbers.
        Files are ``.fbin`` and ``.ibin`` (rows and columns as uint32, then float32 or int32, row
        after row; little-endian), or as written: ``{base:fvecs}``, ``{ids:npy}``. No shell reads
        it.
    timeout
        Seconds that it may take for one build.
    cwd
        The folder in which it runs; default: the current one.

    Raises
    ------
    VbenchError
        A field is missing or not known.
    """

    def __init__(
        self,
        command: str | Sequence[str],
        *,
        timeout: float | None = 600.0,
        cwd: str | Path | None = None,
    ) -> None:
        self.parts = shlex.split(command) if isinstance(command, str) else list(command)
        self.timeout = timeout
        self.cwd = cwd
        self._formats: dict[str, str] = {}
        for name, form in self._fields():
            allowed = _FIELDS.get(name)
            if allowed is None:
                raise VbenchError(f"{{{name}}} is no field of a command; give {_list(_FIELDS)}")
            if form and form not in allowed:
                known = _list([f"{name}:{each}" for each in allowed]) if allowed else _list([name])
                raise VbenchError(f"{{{name}:{form}}} is not known; give {known}")
            if self._formats.setdefault(name, form) != form:
                raise VbenchError(f"{{{name}}} stands in the command in two formats; give one")
        if missing := [name for name in _NEEDED if name not in self._formats]:
            raise VbenchError(
                f"the command lacks {_list(missing)}: with the files to read and to write, and "
                "the seed, it must say each of these"
            )

    def __repr__(self) -> str:
        return f"Command({shlex.join(self.parts)!r})"

    @contextlib.contextmanager
    def start(self, scores: Scores | None) -> Iterator[Callable[[int], NDArray[Any]]]:
        """Write the vectors of a test; then each call with a seed makes a build, and its answers.

        Raises
        ------
        VbenchError
            There are no vectors. Of a call: the command fails, takes too long or writes no ids.
        """
        from vbench._leftovers import TemporaryFolder

        if scores is None:
            raise VbenchError("a Command needs base and queries, which are written for it to read")
        with TemporaryFolder(purpose="command") as folder:
            paths = {
                name: folder / f"{name}.{self._formats[name] or _FIELDS[name][0]}"
                for name in ("base", "queries", "ids")
            }
            _write(paths["base"], scores.dataset.base)
            _write(paths["queries"], scores.dataset.queries)

            def answer(seed: int) -> NDArray[Any]:
                paths["ids"].unlink(missing_ok=True)
                fields = {**paths, "k": scores.k, "seed": seed}
                # The format has said what it had to say.
                plain = {name: _Plain(str(value)) for name, value in fields.items()}
                self._run([part.format_map(plain) for part in self.parts])
                return _read(paths["ids"])

            yield answer

    def _fields(self) -> Iterator[tuple[str, str]]:
        for part in self.parts:
            try:
                found = list(string.Formatter().parse(part))
            except ValueError as error:
                raise VbenchError(
                    f"{part!r} cannot be read ({error}); write {{{{ and }}}} for braces"
                ) from None
            yield from ((name, form or "") for _, name, form, _ in found if name is not None)

    def _run(self, command: list[str]) -> None:
        said = shlex.join(command)
        try:
            done = subprocess.run(
                command,
                cwd=self.cwd,
                timeout=self.timeout,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise VbenchError(f"{said} took longer than {self.timeout:g} s") from None
        except OSError as error:
            raise VbenchError(f"{said} cannot be run: {error}") from None
        if done.returncode:
            printed = (done.stderr or done.stdout).decode(errors="replace").strip()[-_LONGEST:]
            raise VbenchError(f"{said} ended with code {done.returncode}: {printed or 'no word'}")


class _Plain(str):
    """A text that is written as it is, whatever format is asked for."""

    __slots__ = ()

    def __format__(self, form: str) -> str:
        return str(self)


def _write(path: Path, vectors: NDArray[Any]) -> None:
    import numpy as np

    from vbench.data.convert import write_bin, write_vecs

    kind = np.dtype("<f4")
    with path.open("wb") as stream:
        if path.suffix == ".npy":
            np.save(stream, np.asarray(vectors, kind))
        else:
            (write_bin if path.suffix == ".fbin" else write_vecs)(stream, vectors, kind)


def _read(path: Path) -> NDArray[Any]:
    from vbench.data.formats import read_array

    if not path.is_file():
        raise VbenchError(f"the command wrote no ids to {path}")
    return read_array(path, ids=True)


def _list(names: Collection[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
