"""All checks, in order, and what comes of each."""

from __future__ import annotations

from collections.abc import Callable

from vbench.adapters.conformance.answers import (
    answers_queries,
    metric_check,
    more_than_there_are,
    one_is_a_batch_of_one,
    same_seed_same_answers,
)
from vbench.adapters.conformance.conduct import (
    fit_again,
    input_unchanged,
    one_thread,
    save_and_load,
    size_and_work,
    tiny_bases,
)
from vbench.adapters.conformance.settings import (
    build_parameters_matter,
    known_parameters,
    search_parameters_matter,
)
from vbench.adapters.conformance.subject import (
    DoubtfulError,
    Finding,
    NotApplicableError,
    Subject,
    WrongError,
)
from vbench.metric import METRICS
from vbench.plugins import said

BASIC = "shapes and types of ids"
"""The check without which the others say nothing."""

CHECKS: tuple[tuple[str, Callable[[Subject], None]], ...] = (
    ("parameters are known", known_parameters),
    (BASIC, answers_queries),
    ("k larger than n", more_than_there_are),
    ("one query = batch of one", one_is_a_batch_of_one),
    ("same seed, same answers", same_seed_same_answers),
    *((f"metric {metric}", metric_check(metric)) for metric in METRICS),
    ("search parameters matter", search_parameters_matter),
    ("build parameters matter", build_parameters_matter),
    ("input left unchanged", input_unchanged),
    ("threads respected", one_thread),
    ("one vector, none", tiny_bases),
    ("fit again", fit_again),
    ("save and load", save_and_load),
    ("size and work", size_and_work),
)


def perform(number: int, subject: Subject) -> Finding:
    """Run one check, and say what it found."""
    name, function = CHECKS[number]
    try:
        function(subject)
    except NotApplicableError as reason:
        return Finding(name, "skip", str(reason))
    except DoubtfulError as doubt:
        return Finding(name, "warn", str(doubt), doubt.remedy)
    except WrongError as wrong:
        return Finding(name, "fail", str(wrong), wrong.remedy)
    # Whatever an index raises is what the check found.
    except Exception as error:
        return Finding(name, "fail", f"raised {said(error)}", _remedy(error))
    return Finding(name, "pass")


def _remedy(error: Exception) -> str:
    if "read-only" in str(error):
        return "the vectors given to fit and search must not be written to: work on a copy"
    return "make it answer, or raise an error that says what to do"
