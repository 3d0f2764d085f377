"""What a third-party file may not do unless a person says that it is trusted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_TRUSTED = ContextVar("vbench_trusted", default=False)

REMEDY = "if it comes from somebody you trust, --trust (in Python trust=True)"


def is_trusted() -> bool:
    """Whether the files of this call may name code and unpack to any size."""
    return _TRUSTED.get()


@contextlib.contextmanager
def trusting(given: bool = True) -> Iterator[None]:
    """Trust the files that are opened inside; False leaves it as it is."""
    token = _TRUSTED.set(given or _TRUSTED.get())
    try:
        yield
    finally:
        _TRUSTED.reset(token)
