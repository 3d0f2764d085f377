"""How far a call in Python is: a bar in a terminal, one line in a notebook, lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from vbench._plain import plain
from vbench.errors import VbenchError
from vbench.render.terminal.output import progress_bar

Progress = Callable[[str, int, int], None]
_EVERY_SECONDS = 30.0


@contextlib.contextmanager
def shown_progress(given: bool | Progress | None) -> Iterator[Progress]:
    """What is called as work goes on: with what is being done, how much is done, and of how much.

    Parameters
    ----------
    given
        True shows it, False does not, None does so in notebooks; a function is taken as it is.
    """
    if callable(given):
        yield given
    elif given is not None and not isinstance(given, bool):
        raise VbenchError(
            f"progress={given!r:.80}; give True, False, or a function (doing, done, total)"
        )
    elif given is False or (given is None and not is_notebook()):
        yield lambda doing, done, total: None
    elif is_notebook():
        yield _in_place()
    elif sys.stderr.isatty():
        with progress_bar() as bar:
            yield bar
    else:
        yield in_lines(time.monotonic)


def is_notebook() -> bool:
    """Whether a kernel of Jupyter runs this process."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and getattr(shell, "kernel", None) is not None


def in_lines(clock: Callable[[], float]) -> Progress:
    """A line on standard error for each new thing that is done, and every half a minute."""
    began = clock()
    last: tuple[str, float] = ("", began)

    def tell(doing: str, done: int, total: int) -> None:
        nonlocal last
        now = clock()
        if doing != last[0] or now - last[1] >= _EVERY_SECONDS:
            last = doing, now
            print(f"vbench: {_line(doing, done, total, now - began)}", file=sys.stderr)

    return tell


def _in_place() -> Progress:
    """One line of output of a cell, written over."""
    from IPython.display import Pretty, display

    began = time.monotonic()
    handle = display(Pretty("vbench"), display_id=True)

    def tell(doing: str, done: int, total: int) -> None:
        handle.update(Pretty(_line(doing, done, total, time.monotonic() - began)))

    return tell


def _line(doing: str, done: int, total: int, seconds: float) -> str:
    return f"{plain(doing)}, {done} of {total} done, {seconds:.0f} s"
