"""The views of a runbook: which vectors an index holds at each search, and how it came to them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vbench.data.dataset import Dataset
from vbench.errors import VbenchError
from vbench.indexes.predicate import EVERYTHING
from vbench.runs.digests import of_document
from vbench.runs.schema import View
from vbench.workloads.allowed import Allowed
from vbench.workloads.filters import find_attribute
from vbench.workloads.runbook import Runbook
from vbench.workloads.steps import Operation, Step
from vbench.workloads.views import Change, PlannedView

Rows = NDArray[np.int64]


def plan_ages(dataset: Dataset, runbook: Runbook, *, seed: int = 0) -> list[PlannedView]:
    """The views of a runbook, one for each search after a change; rows are drawn by the seed.

    Where nothing has happened yet it is the static view: the first search of churn is that of
    any run.

    Raises
    ------
    VbenchError
        A step changes vectors that it cannot, or none, or leaves none.
    """
    if runbook.first and dataset.zero_rows:
        raise VbenchError(
            f"workload {runbook.name!r} names rows of the base, of which {dataset.zero_rows:,} "
            "have no direction and cannot be inserted; write its steps in TOML"
        )
    base = _Base(dataset, runbook, seed)
    numbered = enumerate(runbook.steps, runbook.first)
    views = [base.view(number) for number, step in numbered if base.take(step)]
    return list({each.view.key: each for each in views}.values())


class _Base:
    """What an index holds, step by step."""

    def __init__(self, dataset: Dataset, runbook: Runbook, seed: int) -> None:
        self.dataset = dataset
        self.runbook = runbook
        self.seed = seed
        self.known = np.setdiff1d(np.arange(dataset.n), dataset.zero_row_ids)
        self.is_live = np.zeros(dataset.n, dtype=bool)
        # What stands in the place of each vector: itself, until another one replaces it.
        self.stands_for = np.arange(dataset.n)
        self.times = np.zeros(dataset.n, dtype=np.int64)
        self.fitted: Rows | None = None
        self.changes: list[Change] = []
        self.done = 0
        if runbook.steps[0].op != "insert":
            self.is_live[self.known] = True

    def take(self, step: Step) -> bool:
        """Carry out a step; True where it is a search."""
        self.done += 1
        if step.op == "search":
            return True
        rows = self._choose(step, step.op)
        others = None if step.by is None else self._places(step, step.by)
        if others is not None:
            self._refuse(step, self.is_live[others], "in the index already")
        if step.op == "insert":
            self.is_live[rows] = True
        elif step.op == "delete" or others is not None:
            self.is_live[rows] = False
        else:
            self.times[rows] += 1
        if others is not None and step.rows is not None:
            self.stands_for[self._places(step, step.rows)] = others
            self.is_live[others] = True
        if not self.is_live.any():
            raise self._error(step, "leaves no vector in the index")
        if self.done == 1 and step.op == "insert":
            self.fitted = rows
        elif others is not None:
            self.changes += [Change("delete", rows), Change("insert", others)]
        else:
            self.changes.append(Change(step.op, rows))
        return False

    def view(self, number: int) -> PlannedView:
        """The view of the search at a step."""
        if self.fitted is None and not self.changes:
            # What any run asks.
            return PlannedView(View(live=self.dataset.n), None)
        counts = {
            each: sum(len(change.rows) for change in self.changes if change.op == each)
            for each in ("insert", "delete", "replace")
        }
        parts = [] if self.fitted is None else [_digest(self.fitted)]
        parts += [f"{change.op} {_digest(change.rows)}" for change in self.changes]
        view = View(
            key=of_document(["age", self.runbook.name, parts]),
            step=number,
            workload=self.runbook.name,
            live=int(self.is_live.sum()),
            inserted=counts["insert"],
            deleted=counts["delete"],
            replaced=counts["replace"],
        )
        # The index has no others, so any condition holds of what it has.
        allowed = Allowed(
            n=self.dataset.n, m=self.dataset.m, mask=self.is_live.copy(), predicate=EVERYTHING
        )
        return PlannedView(view, allowed, self.fitted, tuple(self.changes))

    def _choose(self, step: Step, op: Operation) -> Rows:
        if step.rows is not None:
            return self._range(step, step.rows, op)
        assert step.share is not None
        order = self._order(step.order)
        free = self.is_live[order] != (op == "insert")
        count = round(step.share * len(order))
        left: Rows = order[free]
        # One less is left where parts were rounded up.
        if not 0 < count <= len(left) + 1 or not len(left):
            raise self._error(
                step, f"is to take {count:,} of {len(left):,} vectors that it could take"
            )
        if op == "replace":
            left = left[np.argsort(self.times[left], kind="stable")]
        return left[:count]

    def _range(self, step: Step, given: tuple[int, int], op: Operation) -> Rows:
        """The vectors of some places, all of which are there, or of an insert none."""
        places = self._places(step, given)
        standing = self.stands_for[places]
        if op != "insert":
            self._refuse(step, ~self.is_live[standing], "not in the index")
            return standing
        taken = self.is_live[places] | self.is_live[standing]
        self._refuse(step, taken, "in the index already")
        self.stands_for[places] = places
        return places

    def _refuse(self, step: Step, wrong: NDArray[np.bool_], where: str) -> None:
        if wrong.any():
            problem = f"{int(wrong.sum()):,} of its {len(wrong):,} vectors are {where}"
            raise self._error(step, problem)

    def _places(self, step: Step, given: tuple[int, int]) -> Rows:
        first, end = given
        order = self._order(step.order)
        if end > len(order):
            raise self._error(step, f"goes to place {end:,} of {len(order):,} vectors")
        return order[first:end]

    def _order(self, name: str | None) -> Rows:
        """All vectors that an index can take, in an order."""
        if name is None:
            return self.known
        if name == "random":
            return np.random.default_rng([self.seed, 5]).permutation(self.known)
        column = find_attribute(self.dataset, name.removeprefix("-"))
        frame = column.alias("by").to_frame().with_row_index("row")
        by_value = frame.sort(
            "by", "row", descending=[name.startswith("-"), False], nulls_last=[True, False]
        )
        rows: Rows = by_value["row"].to_numpy().astype(np.int64)
        return rows[np.isin(rows, self.known)]

    def _error(self, step: Step, problem: str) -> VbenchError:
        number = self.done - 1 + self.runbook.first
        return VbenchError(f"workload {self.runbook.name!r}: step[{number}] ({step.op}) {problem}")


def _digest(rows: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()
