"""Every number that README and docs state was measured, and is what is stored in docs/measured.

A comment ``<!-- measured: NAME NAME -->`` says which results the text below it, up to the next
heading or comment, has its numbers from. Elsewhere, and beside them, stand only numbers that
docs/measured/given.toml declares with a reason. Code is not looked at, but for what a command
prints. What counts as a number: what has a decimal point or a percent
sign and, in a row under a comment, a thousands separator.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
STORED = ROOT / "docs" / "measured"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RESULTS = {path.stem: json.loads(path.read_text()) for path in STORED.glob("*.json")}
GIVEN = tomllib.loads((STORED / "given.toml").read_text())

REMEDY = (
    "name the result that says so in a comment above, <!-- measured: NAME -->, measure it again "
    "(python scripts/measured.py NAME), or say in docs/measured/given.toml why it is no measurement"
)
OUTPUT = ("", "console", "text")
"""Languages of fences that hold what a command prints."""
SOURCE = re.compile(r"<!-- measured: ([\w\- ]+) -->")
NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)|\d{1,3}(?:,\d{3})+|\d+"
TOKEN = re.compile(
    rf"(?P<below>< ?)?(?P<sign>[+\-−±](?=[\d.]))?(?<![\w.,])(?P<number>{NUMBER})(?![\w]|[.,]\d)"
)
LISTS = re.compile(rf"(?:{NUMBER})(?:(?:[–,/]| and| to| or|, \+)* ?(?:{NUMBER}))*(?= ?%)")


class Stated(NamedTuple):
    """A number as a page writes it; one of a list may have its percent sign at the end."""

    text: str
    is_percent: bool
    is_listed: bool
    sign: str
    below: bool

    def is_checked(self, in_row: bool) -> bool:
        """Whether it needs a source, or a declaration."""
        return (
            self.is_percent or self.is_listed or "." in self.text or (in_row and "," in self.text)
        )

    def states(self, value: float | None) -> bool:
        """Whether it is that value, rounded as it is written."""
        if value is None:
            return False
        if self.below:
            return value < float(self.text)
        if (self.sign == "+" and value < 0) or (self.sign in ("-", "−") and value > 0):
            return False
        stated = Decimal(self.text.replace(",", ""))
        # A share may stand in percent under a head that says so.
        for scale in (100,) if self.is_percent else (1, 100):
            exact = Decimal(repr(abs(value))) * scale
            if any(
                stated == _rounded(exact, stated, how) for how in (ROUND_HALF_EVEN, ROUND_HALF_UP)
            ):
                return True
        return False


def _rounded(exact: Decimal, like: Decimal, how: str) -> Decimal:
    """To the places of `like`; of a large whole number, to those before its zeros."""
    places = like.as_tuple().exponent
    if places == 0 and like:
        digits = str(like)
        places = len(digits) - len(digits.rstrip("0"))
    return exact.quantize(Decimal(1).scaleb(int(places)), rounding=how)


class Line(NamedTuple):
    """A line of a page: the results it is of, and whether it is a row of a table."""

    number: int
    text: str
    sources: tuple[str, ...]
    kind: str


def lines_of(page: str) -> Iterator[Line]:
    """What is looked at, without code and links."""
    sources: tuple[str, ...] = ()
    fence = None
    for number, line in enumerate(page.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fence = line.strip()[3:] if fence is None else None
            continue
        if fence is None and line.startswith("#"):
            sources = ()
        if found := SOURCE.search(line):
            sources = tuple(found[1].split())
        kind = "row" if line.startswith("|") else "text" if fence is None else "output"
        if fence in (None, *OUTPUT) and not line.startswith("$"):
            line = re.sub(r"`[^`]*`|</?[a-zA-Z!][^>]*>|\]\([^)]*\)", " ¦ ", line)
            yield Line(number, line, sources, kind)


def stated_in(text: str) -> Iterator[Stated]:
    """The numbers of a line."""
    lists = [found.span() for found in LISTS.finditer(text)]
    for found in TOKEN.finditer(text):
        is_percent = text[found.end() :].lstrip(" ").startswith("%")
        is_listed = any(low <= found.start("number") < high for low, high in lists)
        yield Stated(
            found["number"], is_percent, is_listed, found["sign"] or "", bool(found["below"])
        )


def unsourced(name: str, page: str) -> list[str]:
    """Numbers of a page that nothing stored or declared says, each with its line."""
    given = [re.compile(each) for each in GIVEN["everywhere"]]
    given += [re.compile(re.escape(each)) for each in GIVEN.get(name, {})]
    wrong = []
    for line in lines_of(page):
        text = line.text
        for each in given:
            text = each.sub(" ¦ ", text)
        in_row = bool(line.sources) and line.kind != "text"
        numbers = [each for each in stated_in(text) if each.is_checked(in_row)]
        known = [RESULTS[each] for each in line.sources if each in RESULTS]
        tables = [row for each in known for row in each["values"].values()]
        if line.kind != "text" and any(_is_row(numbers, row, line.kind) for row in tables):
            continue
        if line.kind == "text" or not line.sources:
            values = [value for row in tables for value in row.values()]
            numbers = [each for each in numbers if not any(map(each.states, values))]
        if numbers:
            said = ", ".join(each.text + " %" * each.is_percent for each in numbers)
            wrong.append(f"{name}:{line.number}: {said}")
    return wrong


def _is_row(numbers: list[Stated], row: dict[str, float | None], kind: str) -> bool:
    """Whether one row of a result holds all numbers, in a table in the order of the row."""
    values = iter(row.values())
    if kind == "row":
        return all(any(map(each.states, values)) for each in numbers)
    return all(any(map(each.states, row.values())) for each in numbers)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_number_of_a_page_is_a_stored_one(path: Path) -> None:
    """As it is rounded there; a row of a table is a row of the result."""
    assert unsourced(path.name, path.read_text()) == [], REMEDY


def test_a_number_without_a_source_is_found() -> None:
    """In text, in a table, in what a command prints; also one of another row, or another sign."""
    name, result = next((name, each) for name, each in RESULTS.items() if name == "compare")
    rows = list(result["values"].values())
    head = f"<!-- measured: {name} -->\n"
    first = f"{rows[0]['baseline']:.4f}"
    second = f"{rows[1]['candidate']:.4f}"
    assert unsourced("x", f"It is 12.3 %.\n\n{head}It is {first}.") == ["x:1: 12.3 %"]
    assert unsourced("x", f"{head}| {first} |") == []
    assert unsourced("x", f"{head}| {first} | {second} |") == [f"x:2: {first}, {second}"]
    assert unsourced("x", f"{head}```\n{first} {second}\n```") == [f"x:3: {first}, {second}"]
    assert unsourced("x", f"{head}## Next\n{first}") == [f"x:3: {first}"]
    assert unsourced("x", f"{head}−{first}") == [f"x:2: {first}"]


def test_nothing_stored_or_declared_is_without_use() -> None:
    """Each result is named by a page, and each declared phrase stands on its page."""
    pages = {path.name: path.read_text() for path in PAGES}
    named = {
        name for page in pages.values() for each in SOURCE.findall(page) for name in each.split()
    }
    assert named == set(RESULTS)
    declared = [(page, phrase) for page in GIVEN if page != "everywhere" for phrase in GIVEN[page]]
    assert [each for each in declared if each[1] not in pages[each[0]]] == []


def test_every_result_has_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stored commands are those of the script that makes the results."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    import measured

    made = {name: list(each.commands) for name, each in measured.RESULTS.items()}
    assert {name: made[name] for name in RESULTS} == {
        name: each["commands"] for name, each in RESULTS.items()
    }
    assert "measured" in sys.modules
