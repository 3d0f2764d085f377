"""How far a call in Python is: a bar in a terminal, one line in a notebook, lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from vbench.errors import VbenchError
from vbench.render.terminal.output import describe_progress, progress_bar

Progress = Callable[[str, int, int], None]


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
    else:
        with progress_bar() as bar:
            yield bar


def is_notebook() -> bool:
    """Whether a kernel of Jupyter runs this process."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return shell is not None and getattr(shell, "kernel", None) is not None


def _in_place() -> Progress:
    """One line of output of a cell, written over."""
    from IPython.display import Pretty, display

    began = time.monotonic()
    handle = display(Pretty("vbench"), display_id=True)

    def tell(doing: str, done: int, total: int) -> None:
        handle.update(Pretty(describe_progress(doing, done, total, time.monotonic() - began)))

    return tell
