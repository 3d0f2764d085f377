"""Runbooks: what happens to the base of an index between searches, as people write it.

In TOML, with the words of the streaming track of big-ann-benchmarks::

    [[step]]
    op = "insert"            # or delete, replace, search
    rows = [0, 5000]         # or share = 0.1
    order = "-popularity"    # random, an item attribute, or none: as the dataset has them
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from vbench._document import Params
from vbench._toml import read_toml
from vbench.errors import VbenchError
from vbench.runs.schema import Workload

Operation = Literal["insert", "delete", "replace"]

STATIC_WORKLOAD = "static"
_PARTS = 4
"""In how many parts a built-in workload changes the base."""


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step. `rows` are places in the `order`, the second not included; `share` is of the base.

    A share is the first in the order of those that can be changed: an insert takes what is not
    in the index, a delete what is, a replace what was replaced least often.
    """

    op: Literal["insert", "delete", "replace", "search"]
    rows: tuple[int, int] | None = None
    share: float | None = None
    order: str | None = None


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    step: list[Step]


class Runbook(NamedTuple):
    """A workload that has been read. `name` is that of a built-in one, or of the file."""

    name: str
    steps: tuple[Step, ...]

    @property
    def operations(self) -> set[Operation]:
        """What it does to an index after ``fit``: the first insert is that."""
        begins = 1 if self.steps[0].op == "insert" else 0
        return {step.op for step in self.steps[begins:] if step.op != "search"}

    def describe(self) -> Workload:
        """As run.json keeps it."""
        steps = [msgspec.to_builtins(step) for step in self.steps]
        given: list[Params] = [
            {name: each for name, each in step.items() if each is not None} for step in steps
        ]
        return Workload(name=self.name, steps=given)


def read_workload(text: str, n: int) -> Runbook | None:
    """Read a workload, as ``--workload`` takes it; None: nothing happens to the base.

    Parameters
    ----------
    n
        Vectors of the base that an index can take.

    Raises
    ------
    VbenchError
        It is not known, or its file cannot be read, or a step lacks what it needs.
    """
    name, colon, rest = text.partition(":")
    if text == STATIC_WORKLOAD:
        return None
    if text == "churn":
        replace = Step(op="replace", share=1 / _PARTS, order="random")
        return Runbook(text, (Step(op="search"), *[replace, Step(op="search")] * _PARTS))
    if name == "growth" and colon:
        return Runbook(text, _growth(text, rest, n))
    if text.endswith(".toml"):
        return Runbook(Path(text).stem, _checked(text, tuple(read_toml(text, _File).step)))
    raise VbenchError(
        f"workload {text!r} is not known; give static, churn, growth:SHARE such as growth:0.1, "
        "growth:0.1:-popularity in the order of an item attribute, or a TOML file of steps"
    )


def _growth(text: str, given: str, n: int) -> tuple[Step, ...]:
    share, _, order = given.partition(":")
    try:
        first = float(share)
    except ValueError:
        first = 0.0
    first = first if 0 < first < 1 else 0.0
    ends = [round(n * (first + (1 - first) * part / _PARTS)) for part in range(_PARTS + 1)]
    if not first or not all(a < b for a, b in zip([0, *ends], ends, strict=False)):
        raise VbenchError(
            f"workload {text!r}: give the share to fit on, between 0 and 1, such as growth:0.1; "
            f"of {n:,} vectors it and each quarter of the rest must leave some"
        )
    pairs = zip([0, *ends], ends, strict=False)
    inserts = [Step(op="insert", rows=pair, order=order or None) for pair in pairs]
    return tuple(step for each in inserts for step in (each, Step(op="search")))


def _checked(name: str, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    if not steps or steps[-1].op != "search":
        raise VbenchError(f"{name}: the last step is to be a search; nothing is measured behind it")
    for number, step in enumerate(steps):
        where = f"{name}: step[{number}] ({step.op})"
        given = [each for each in (step.rows, step.share) if each is not None]
        if step.op == "search":
            if given or step.order is not None:
                raise VbenchError(f"{where} takes neither rows, share nor order; leave them out")
        elif len(given) != 1:
            raise VbenchError(f"{where} needs one of rows = [FIRST, END] and share = 0.25")
        elif step.share is not None and not 0 < step.share <= 1:
            raise VbenchError(f"{where}: share = {step.share:g}; give one above 0, up to 1")
        elif step.rows is not None and not 0 <= step.rows[0] < step.rows[1]:
            raise VbenchError(
                f"{where}: rows = {list(step.rows)}; give the first place, and the one behind the "
                "last"
            )
    return steps
