"""All checks, in order, and what comes of each."""

from __future__ import annotations

from collections.abc import Callable

from vbench._process.text import describe_error
from vbench.indexes.answers import AnswerError
from vbench.indexes.conformance.answers import (
    answers_last,
    answers_queries,
    metric_check,
    more_than_there_are,
    no_queries,
    one_is_a_batch_of_one,
    same_seed_same_answers,
)
from vbench.indexes.conformance.conduct import (
    before_fit,
    fit_again,
    input_unchanged,
    one_thread,
    some_dimensions,
    tiny_bases,
)
from vbench.indexes.conformance.lasting import closes, save_and_load, size_and_work
from vbench.indexes.conformance.place import place_of_error, place_of_method
from vbench.indexes.conformance.settings import (
    build_parameters_matter,
    known_parameters,
    search_parameters_matter,
    settings_hold,
)
from vbench.indexes.conformance.subject import (
    DoubtfulError,
    Finding,
    NotApplicableError,
    Status,
    Subject,
    WrongError,
)
from vbench.metric import METRICS

BASIC = "shapes and types of ids"
"""The check without which the others say nothing."""

CHECKS: tuple[tuple[str, Callable[[Subject], None]], ...] = (
    ("parameters are known", known_parameters),
    (BASIC, answers_queries),
    ("k larger than n", more_than_there_are),
    ("one query = batch of one", one_is_a_batch_of_one),
    ("no queries", no_queries),
    ("answers last", answers_last),
    ("same seed, same answers", same_seed_same_answers),
    *((f"metric {metric}", metric_check(metric)) for metric in METRICS),
    ("search parameters matter", search_parameters_matter),
    ("settings hold", settings_hold),
    ("build parameters matter", build_parameters_matter),
    ("input left unchanged", input_unchanged),
    ("threads respected", one_thread),
    ("dimensions", some_dimensions),
    ("one vector, none", tiny_bases),
    ("search before fit", before_fit),
    ("fit again", fit_again),
    ("save and load", save_and_load),
    ("size and work", size_and_work),
    ("close", closes),
)

_READ_ONLY = ("read-only", "readonly", "read only", "writeable", "writable")


def perform(number: int, subject: Subject) -> Finding:
    """Run one check, and say what it found."""
    name, function = CHECKS[number]
    try:
        function(subject)
    except NotApplicableError as reason:
        return Finding(name, "skip", str(reason))
    except (WrongError, AnswerError) as wrong:
        status: Status = "warn" if isinstance(wrong, DoubtfulError) else "fail"
        seen = wrong.reason if isinstance(wrong, AnswerError) else str(wrong)
        return Finding(name, status, seen, _remedy(wrong), _where(wrong, seen, subject))
    # Whatever an index raises, SystemExit too, is what the check found.
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        place = place_of_error(error, subject.kind)
        return Finding(name, "fail", f"raised {describe_error(error)}", _remedy(error), place)
    return Finding(name, "pass")


def _where(wrong: WrongError | AnswerError, reason: str, subject: Subject) -> str:
    """Where the index raised, else where it defines the method that the reason begins with."""
    if isinstance(wrong, WrongError) and wrong.where:
        return wrong.where
    if wrong.__cause__ is not None:
        return place_of_error(wrong.__cause__, subject.kind)
    return place_of_method(reason.split(maxsplit=1)[0], subject.kind)


def _remedy(error: BaseException) -> str:
    cause = error.__cause__ or error
    if any(word in describe_error(cause).lower() for word in _READ_ONLY):
        return "work on a copy, or say writes = True: the index is then given copies of its own"
    if isinstance(error, WrongError | AnswerError):
        return error.remedy
    return "make it answer, or raise an error that says what to do"
