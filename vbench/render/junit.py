"""A comparison as JUnit's XML: a case for each measure, floor and missing planned result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple
from xml.etree import ElementTree

from vbench._plain import plain
from vbench.analysis.comparison import Compared, Comparison, Gate

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
Outcome = Literal["passed", "failure", "skipped"]
_OUTCOMES: dict[bool | None, Outcome] = {True: "passed", False: "failure", None: "skipped"}


class Case(NamedTuple):
    """One case: what it is about, and how it ended, in words."""

    about: str
    name: str
    said: str
    outcome: Outcome = "passed"


def junit_of(comparison: Comparison) -> str:
    """The XML that CI servers read; what cannot be judged here is skipped.

    Without a gate no comparison fails.
    """
    cases = list(_cases(comparison))
    outcomes = [case.outcome for case in cases]
    suite = ElementTree.Element(
        "testsuite",
        name=plain(f"vbench compare: {comparison.dataset.name}"),
        tests=str(len(cases)),
        failures=str(outcomes.count("failure")),
        errors="0",
        skipped=str(outcomes.count("skipped")),
    )
    for case in cases:
        element = ElementTree.SubElement(
            suite, "testcase", classname=plain(case.about), name=plain(case.name), time="0"
        )
        if case.outcome == "passed":
            ElementTree.SubElement(element, "system-out").text = plain(case.said)
        else:
            ElementTree.SubElement(element, case.outcome, message=plain(case.said))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return f"{_HEAD}\n{ElementTree.tostring(root, encoding='unicode')}\n"


def _cases(comparison: Comparison) -> Iterator[Case]:
    gate = comparison.gate
    for row in comparison.comparisons:
        yield _judged(row, gate)
    for line in gate.missing if gate else comparison.missing:
        yield Case("results", line, line, "failure" if gate else "skipped")
    if gate and gate.fail_if_blind:
        for line in gate.blind:
            yield Case("detectable losses", line.partition(":")[0], line, "skipped")
    for floor in comparison.floors:
        yield Case(floor.setting, floor.floor, floor.verdict, _OUTCOMES[floor.reached])


def _judged(row: Compared, gate: Gate | None) -> Case:
    case = Case(f"{row.baseline} → {row.candidate} {row.under}".strip(), row.measure, row.verdict)
    if row.unjudged is not None:
        return case._replace(outcome="skipped")
    if gate and row.is_worse_by(gate.limit):
        return case._replace(outcome="failure")
    return case
