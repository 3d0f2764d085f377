"""The pytest plug-in: the fixtures, a seed from the command line, and what was seen at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from vbench.testing.decision import Decision

_FIXTURES = {"recall_at_least", "assert_measure"}
_DATA = ("base", "queries", "metric")
_PROPERTY = "vbench"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--recall-seed``, ``--recall-undecided`` and ``--recall-reference``."""
    group = parser.getgroup("vbench", "recall tests")
    group.addoption(
        "--recall-seed",
        type=int,
        metavar="N",
        help="Seed of the builds of recall tests, in place of each test's own.",
    )
    group.addoption(
        "--recall-undecided",
        choices=("fail", "skip"),
        help="What becomes of recall tests that cannot be told within their builds.",
    )
    group.addoption(
        "--recall-reference",
        action="store_true",
        help="Assert nothing: measure the reference of each recall test, over 20 builds.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker that tests with one of the fixtures bear."""
    config.addinivalue_line("markers", "recall: asserts a measure over builds of an index (vbench)")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use a fixture, so that ``-m recall`` finds them."""
    for item in items:
        if not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("recall")


@pytest.fixture
def assert_measure(request: pytest.FixtureRequest) -> Callable[..., Decision]:
    """:func:`vbench.testing.assert_measure`, as the command line has it, and told of at the end."""
    from vbench import testing

    option = request.config.getoption
    given = {"seed": option("recall_seed"), "undecided": option("recall_undecided")}
    overriding = {name: value for name, value in given.items() if value is not None}

    def note(found: object) -> None:
        request.node.user_properties.append((_PROPERTY, str(found)))

    def told(measure: Any, reference: float, build: Any, **options: Any) -> Decision:
        __tracebackhide__ = True
        if option("recall_reference"):
            kept = {name: options[name] for name in _DATA if name in options}
            note(testing.measure_reference(measure, build, **kept))
            pytest.skip("its reference was measured")
        try:
            decision = testing.assert_measure(
                measure, reference, build, **{**options, **overriding}
            )
        except testing.DecisionError as error:
            note(error.decision.line)
            raise
        note(decision.line)
        return decision

    return told


@pytest.fixture
def recall_at_least(assert_measure: Callable[..., Decision]) -> Callable[..., Decision]:
    """:func:`vbench.testing.recall_at_least`, likewise."""

    def told(reference: float, build: Any, *, k: int = 10, **options: Any) -> Decision:
        __tracebackhide__ = True
        return assert_measure(f"Recall@{k}", reference, build, **options)

    return told


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say of each recall test what was seen; properties of reports come from workers too."""
    lines = [
        f"{report.nodeid}  {text}"
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, text in report.user_properties
        if name == _PROPERTY
    ]
    if lines:
        terminalreporter.section("recall tests")
        for line in lines:
            terminalreporter.write_line(line)
