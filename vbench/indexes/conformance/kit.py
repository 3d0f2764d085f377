"""Every check of an index, in a process of its own that may crash or hang."""

from __future__ import annotations

import faulthandler
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import structs

from vbench._document import Document, Params
from vbench._process.channel import Arrays, Channel, decode
from vbench._process.child import Child, ChildError, Deadline
from vbench._process.text import describe_error, make_encodable, shorten
from vbench.indexes.answers import AnswerError
from vbench.indexes.conformance import (
    ageing,
    answers,
    claims,
    clients,
    conduct,
    exhaustive,
    filters,
    learning,
    settings,
)
from vbench.indexes.conformance.subject import (
    DoubtfulError,
    Finding,
    NotApplicableError,
    Status,
    Subject,
    WrongError,
    place_of_dump,
    place_of_error,
    place_of_method,
)
from vbench.indexes.library import check_installed
from vbench.indexes.recipe import Recipe, load_recipe
from vbench.indexes.registry import resolve
from vbench.indexes.service import check_reachable, hosted
from vbench.metric import METRICS

BASIC = "shapes and types of ids"
"""The check without which the others say nothing."""

CHECKS: tuple[tuple[str, Callable[[Subject], None]], ...] = (
    ("parameters are known", settings.known_parameters),
    (BASIC, answers.answers_queries),
    ("k larger than n", answers.more_than_there_are),
    ("one query = batch of one", answers.one_is_a_batch_of_one),
    ("no queries", answers.no_queries),
    ("answers last", answers.answers_last),
    ("same seed, same answers", answers.same_seed_same_answers),
    *((f"metric {metric}", answers.metric_check(metric)) for metric in METRICS),
    ("search parameters matter", settings.search_parameters_matter),
    ("settings hold", settings.settings_hold),
    ("build parameters matter", settings.build_parameters_matter),
    ("input left unchanged", conduct.input_unchanged),
    ("threads respected", conduct.one_thread),
    ("dimensions", conduct.some_dimensions),
    ("several clients", clients.several_clients),
    ("one vector, none", conduct.tiny_bases),
    ("search before fit", conduct.before_fit),
    ("fit again", conduct.fit_again),
    ("save and load", conduct.save_and_load),
    ("size and work", conduct.size_and_work),
    ("filters", filters.takes_filters),
    ("exact mode", exhaustive.searches_exactly),
    ("claims", claims.claims),
    ("changes", ageing.takes_changes),
    ("queries to learn from", learning.learns),
    ("close", conduct.closes),
)

_READ_ONLY = ("read-only", "readonly", "read only", "writeable", "writable")
_MEMORY_LIMIT = 2 << 30
_PATIENCE = 0.5
_DROP_SECONDS = 10.0
_REMEDY = "call fit and search by hand on a few thousand vectors, and see where it stops"


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


class Checked(Document, frozen=True, kw_only=True, tag="vbench.check/2"):
    """Whether an index conforms to the protocol: the document of `vbench index check`."""

    index: str
    passed: bool
    checks: list[Finding]


def check_index(
    spec: str,
    *,
    timeout: float = 120.0,
    progress: Callable[[str, int, int], None] = lambda doing, done, total: None,
    connect: str | None = None,
) -> list[Finding]:
    """Run every check on an index.

    Parameters
    ----------
    spec
        Recipe, TOML file, adapter, ``package.module:Class`` and so on, as `--index` takes it.
    timeout
        Seconds for each check.
    progress
        Called with the name of the check that starts, its number, and how many there are.
    connect
        Address of a server that runs already, for an index that is built in one.

    Raises
    ------
    VbenchError
        There is no such index, or it or its library cannot be imported.
    """
    recipe = load_recipe(spec)
    connect = connect or recipe.connect
    check_reachable(resolve(recipe.adapter).service, connect, recipe.name)
    findings: list[Finding] = []
    while len(findings) < len(CHECKS):
        with _Checked(recipe, timeout, len(findings), connect) as child:
            while len(findings) < len(CHECKS):
                name = CHECKS[len(findings)][0]
                progress(name, len(findings), len(CHECKS))
                finding = child.next(name)
                findings.append(finding)
                if finding.status == "fail" and name == BASIC:
                    reason = f"not tried, because {BASIC!r} failed"
                    left = CHECKS[len(findings) :]
                    return [*findings, *(Finding(name, "skip", reason) for name, _ in left)]
                if child.has_ended:
                    break
    return findings


class _Checked:
    """A process that runs the checks from the one numbered `first` on."""

    def __init__(self, recipe: Recipe, timeout: float, first: int, connect: str | None) -> None:
        self._kind = resolve(recipe.adapter)
        check_installed(self._kind)
        self._timeout = timeout
        self.has_ended = False
        self._child = Child(__name__, threads=1, memory_limit=_MEMORY_LIMIT)
        sweep = {
            name: values if isinstance(values, list) else [values]
            for name, values in recipe.search.items()
        }
        build = {
            name: value[0] if isinstance(value, list) else value
            for name, value in recipe.build.items()
        }
        order = _Order(sys.path, recipe.adapter, build, sweep, first, timeout, connect)
        self._order = msgspec.msgpack.encode(order)

    def __enter__(self) -> _Checked:
        return self

    def __exit__(self, *_: object) -> None:
        if self._kind.service is not None and not self.has_ended:
            # What lies in a server that goes on is dropped first.
            self._child.wait(_DROP_SECONDS)
        self._child.kill()

    def next(self, name: str) -> Finding:
        """The next finding; where the process has `ended` without one, that is what was found."""
        deadline = Deadline.after(self._timeout)
        try:
            if self._order:
                self._child.send(self._order, deadline=deadline)
                self._order = b""
            return self._child.receive(lambda head: (decode(head, Finding), []), deadline=deadline)[
                0
            ]
        except ChildError as error:
            self.has_ended = True
            said, where = place_of_dump(error.log, self._kind)
            lines = said.split("\n") if error.kind != "timeout" else []
            last = next((f"; it said: {line.strip()}" for line in lines[::-1] if line.strip()), "")
            return Finding(name, "fail", shorten(error.reason + last), _REMEDY, where)


class _Order(msgspec.Struct):
    sys_path: list[str]
    adapter: str
    build: Params
    sweep: dict[str, list[Any]]
    first: int
    timeout: float
    connect: str | None


def _order(head: bytes) -> tuple[_Order, Arrays]:
    return decode(head, _Order), []


def _serve(channel: Channel) -> None:
    """Run checks one after another, and send each finding at once."""
    order, _ = channel.receive(_order)
    sys.path[:] = order.sys_path
    kind = resolve(order.adapter)
    if kind.service is not None:
        with hosted(kind.service, order.connect) as servers:
            _check(channel, order, Subject(kind, order.build, order.sweep, servers=servers))
    else:
        _check(channel, order, Subject(kind, order.build, order.sweep))


def _check(channel: Channel, order: _Order, subject: Subject) -> None:
    own = os.getpid()
    for number in range(order.first, len(CHECKS)):
        # Where it hangs is printed before the kit loses patience.
        faulthandler.dump_traceback_later(order.timeout * _PATIENCE)
        finding = perform(number, subject)
        faulthandler.cancel_dump_traceback_later()
        if os.getpid() != own:
            os._exit(0)  # a copy of this process, left by an index that forks
        shown = {x: make_encodable(shorten(each)) for x, each in structs.asdict(finding).items()}
        channel.send(msgspec.msgpack.encode(shown))
    channel.receive(_order)  # the kit ends this process, and what the index has started


if __name__ == "__main__":
    _serve(Channel(socket.socket(fileno=int(sys.argv[1]))))
