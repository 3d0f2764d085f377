"""Runbooks: what happens to the base of an index between searches, as people write it.

In TOML, with the words of the streaming track of big-ann-benchmarks::

    [[step]]
    op = "insert"            # or delete, replace, search
    rows = [0, 5000]         # or share = 0.1
    order = "-popularity"    # random, an item attribute, or none: as the dataset has them

The YAML files of that track are read by :mod:`vbench.workloads.big_ann`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import msgspec

from vbench._document import Params
from vbench._toml import read_toml
from vbench.errors import VbenchError
from vbench.runs.schema import Workload
from vbench.workloads.big_ann import read_big_ann
from vbench.workloads.steps import Operation, Step, check_steps

STATIC_WORKLOAD = "static"
_YAML = re.compile(r"\.ya?ml(:|$)")
_PARTS = 4
"""In how many parts a built-in workload changes the base."""


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    step: list[Step]


class Runbook(NamedTuple):
    """A workload that has been read. `name` is that of a built-in one, or of the file.

    `first` is the number of the first step; those of big-ann-benchmarks begin with 1, and their
    places are rows of the base.
    """

    name: str
    steps: tuple[Step, ...]
    first: int = 0

    @property
    def operations(self) -> set[Operation]:
        """What it does to an index after ``fit``: the first insert is that."""
        begins = 1 if self.steps[0].op == "insert" else 0
        found: set[Operation] = set()
        for step in self.steps[begins:]:
            if step.by is not None:
                found |= {"delete", "insert"}
            elif step.op != "search":
                found.add(step.op)
        return found

    def describe(self) -> Workload:
        """As run.json keeps it."""
        steps = [msgspec.to_builtins(step) for step in self.steps]
        given: list[Params] = [
            {name: each for name, each in step.items() if each is not None} for step in steps
        ]
        return Workload(name=self.name, steps=given, first=self.first)


def read_workload(text: str, n: int, dataset: str = "") -> Runbook | None:
    """Read a workload, as ``--workload`` takes it; None: nothing happens to the base.

    Parameters
    ----------
    n
        Vectors of the base that an index can take.
    dataset
        What the dataset is called; a file with runbooks of several has that of each.

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
        return Runbook(Path(text).stem, check_steps(text, tuple(read_toml(text, _File).step)))
    if _YAML.search(text):
        path, _, key = text.partition(":")
        steps = check_steps(text, read_big_ann(path, key or None, dataset), first=1)
        return Runbook(Path(path).stem, steps, first=1)
    raise VbenchError(
        f"workload {text!r} is not known; give static, churn, growth:SHARE such as growth:0.1, "
        "growth:0.1:-popularity in the order of an item attribute, a TOML file of steps, or a YAML "
        "file of big-ann-benchmarks"
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
