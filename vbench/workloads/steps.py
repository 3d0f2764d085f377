"""One step of a runbook: what is done to the base of an index, or that it is searched."""

from __future__ import annotations

from typing import Literal

import msgspec

from vbench.errors import VbenchError

Operation = Literal["insert", "delete", "replace"]


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step. `rows` are places in the `order`, the second not included; `share` is of the base.

    A share is the first in the order of those that can be changed: an insert takes what is not
    in the index, a delete what is, a replace what was replaced least often. A replace puts the
    same vectors under new ids, or those `by` whose rows others are given in their places: what is
    asked to be deleted or replaced later is what stands there then.
    """

    op: Literal["insert", "delete", "replace", "search"]
    rows: tuple[int, int] | None = None
    by: tuple[int, int] | None = None
    share: float | None = None
    order: str | None = None


def check_steps(name: str, steps: tuple[Step, ...], first: int = 0) -> tuple[Step, ...]:
    """The steps of a file.

    Raises
    ------
    VbenchError
        The last one is no search, or one lacks what it needs or has what it does not take.
    """
    if not steps or steps[-1].op != "search":
        raise VbenchError(f"{name}: the last step is to be a search; nothing is measured behind it")
    for number, step in enumerate(steps, first):
        where = f"{name}: step[{number}] ({step.op})"
        given = [each for each in (step.rows, step.share) if each is not None]
        if step.op == "search":
            if given or step.order is not None:
                raise VbenchError(f"{where} takes neither rows, share nor order; leave them out")
        elif len(given) != 1:
            raise VbenchError(f"{where} needs one of rows = [FIRST, END] and share = 0.25")
        elif step.share is not None and not 0 < step.share <= 1:
            raise VbenchError(f"{where}: share = {step.share:g}; give one above 0, up to 1")
        for key, rows in (("rows", step.rows), ("by", step.by)):
            if rows is not None and not 0 <= rows[0] < rows[1]:
                raise VbenchError(
                    f"{where}: {key} = {list(rows)}; give the first place, and the one behind the "
                    "last"
                )
        if step.by is not None and (step.op != "replace" or step.rows is None):
            raise VbenchError(f"{where}: by goes with a replace of rows; leave it out")
        if step.by and step.rows and step.by[1] - step.by[0] != step.rows[1] - step.rows[0]:
            raise VbenchError(
                f"{where}: rows = {list(step.rows)} and by = {list(step.by)}; give as many of both"
            )
    return steps
