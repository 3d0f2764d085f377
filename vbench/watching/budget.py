"""Which queries are asked again: a sample of them, and never more than is allowed."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable

import numpy as np

from vbench.errors import VbenchError

_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_LIMIT = re.compile(r"(\d+)(?:\s*/\s*(s|min|h|d))?")


class Budget:
    """Draws the queries that are asked again.

    Parameters
    ----------
    share
        Of all queries, each with this probability.
    most
        At most so many in all; with `seconds`, in any time of that length.
    """

    def __init__(
        self,
        share: float,
        most: int | None = None,
        seconds: float | None = None,
        *,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0.0 < share <= 1.0:
            raise VbenchError(f"a sample of {share:g}; give a share above 0, up to 100 %")
        self._share, self._most, self._seconds = share, most, seconds
        self._rng, self._clock = np.random.default_rng([seed, 2]), clock
        self._taken: deque[float] = deque(maxlen=None if most is None else most)
        self._total = 0

    @property
    def is_spent(self) -> bool:
        """Whether nothing may be asked any more."""
        return self._most is not None and self._seconds is None and self._total >= self._most

    def takes(self) -> bool:
        """Whether the next query is asked again."""
        drawn = self._rng.random() < self._share
        if not drawn or self.is_spent:
            return False
        if self._most is not None and self._seconds is not None:
            now = self._clock()
            if len(self._taken) == self._most and now - self._taken[0] < self._seconds:
                return False
            self._taken.append(now)
        self._total += 1
        return True


def read_share(text: str | float) -> float:
    """A share as people write it: ``1%``, ``0.01``.

    Raises
    ------
    VbenchError
        It is none.
    """
    written = str(text).strip()
    try:
        share = float(written.removesuffix("%")) / (100.0 if written.endswith("%") else 1.0)
    except ValueError:
        share = 0.0
    if not 0.0 < share <= 1.0:
        raise VbenchError(f"{text} is no share; give one above 0, up to 100%, such as 1%")
    return share


def read_limit(text: str | int | None) -> tuple[int | None, float | None]:
    """The most searches: ``500`` in all, ``10/min`` in any minute; s, min, h and d are known.

    Raises
    ------
    VbenchError
        It is neither.
    """
    if text is None:
        return None, None
    found = _LIMIT.fullmatch(str(text).strip())
    if found is None or int(found[1]) < 1:
        raise VbenchError(f"{text} is no limit; give a number such as 500, or a rate as 10/min")
    return int(found[1]), _SECONDS[found[2]] if found[2] else None
