"""What copies in the base have to do with the answers, and queries that the base holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vbench._invocation import spell_option
from vbench.data.copies import Copies, kept_copies
from vbench.runs.run import Run
from vbench.runs.schema import Warn
from vbench.runs.settings import Setting

_WORTH_SHARE = 0.01
_WORTH_GROUP = 10
_WORTH_WRONG = 0.05


class WrongCopies(msgspec.Struct, frozen=True):
    """Shares of wrong answers that are copies, over queries and builds; None where none is wrong.

    Attributes
    ----------
    returned : of the ids that were returned and are farther than the nearest
    missed : of the nearest that were not returned, nor a copy in their place
    """

    returned: float | None
    missed: float | None


def warn_of_copies(run: Run, settings: Sequence[Setting]) -> list[Warn]:
    """Warn of copies in the base, with the setting whose wrong answers are copies most often."""
    facts = run.manifest.dataset
    found = []
    if facts.queries_in_base:
        found.append(_asked(run))
    copies = kept_copies(facts.fingerprint) if facts.copies and facts.copies.share else None
    if facts.copies is None or copies is None:
        return found
    wrong = {str(setting): wrong_copies(run, setting, copies) for setting in settings}
    name, worst = max(
        wrong.items(), key=lambda pair: _most(pair[1]), default=("", WrongCopies(0.0, 0.0))
    )
    share, largest = facts.copies.share, facts.copies.largest
    if share < _WORTH_SHARE and largest < _WORTH_GROUP and _most(worst) < _WORTH_WRONG:
        return found
    said = [
        f"{part:.0%} of {what}"
        for part, what in (
            (worst.returned, "the wrong ids that it returns"),
            (worst.missed, "the neighbors that it misses"),
        )
        if part is not None
    ]
    tail = f"; {name}: {' and '.join(said)} are copies" if said else ""
    found.append(
        Warn(
            "copies in the base",
            f"{len(copies.rows):,} of {facts.n:,} base vectors ({share:.1%}) equal another one, "
            f"the largest group holds {largest:,}{tail}",
            "copies fill the lists of a graph and crowd out other neighbors, and which of them is "
            "returned is arbitrary",
            "keep one of each group of equal vectors, and look the others up by it",
            code="copies",
            setting=name if said else None,
        )
    )
    return found


def wrong_copies(run: Run, setting: Setting, copies: Copies) -> WrongCopies:
    """What copies are among the wrong answers of a setting."""
    returned: list[NDArray[np.integer[Any]]] = []
    missed: list[NDArray[np.integer[Any]]] = []
    for trial in setting.trials:
        if run.rows(trial, ["ids"]).ids is None:
            continue
        answers = run.answers(trial)
        answers = answers.of_queries(np.flatnonzero(answers.hits < setting.k))
        returned.append(answers.ids[answers.wrong])
        missed.append(answers.truth_ids[:, : setting.k][answers.missed])
    return WrongCopies(*(_share(part, copies) for part in (returned, missed)))


def _share(wrong: Sequence[NDArray[np.integer[Any]]], copies: Copies) -> float | None:
    ids = np.concatenate(wrong) if wrong else np.empty(0, dtype=np.int64)
    return float(copies.are_copies(ids).mean()) if ids.size else None


def _most(wrong: WrongCopies) -> float:
    return max(wrong.returned or 0.0, wrong.missed or 0.0)


def _asked(run: Run) -> Warn:
    facts = run.manifest.dataset
    count = facts.queries_in_base
    return Warn(
        "queries in the base",
        f"{count:,} of {facts.m:,} queries are base vectors",
        "each is its own nearest neighbor, and easier to answer than one that the base lacks",
        f"{spell_option('hold_out', count)} takes them out of the base",
        code="queries-in-base",
    )
