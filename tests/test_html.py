"""Tables for notebooks are small and escaped."""

from __future__ import annotations

from vbench._document import MANY, html_table


def test_what_somebody_wrote_is_text() -> None:
    """Names of data and indexes bring no markup, and nothing that controls a terminal."""
    made = html_table("<b>", ["a&b"], [["<script>", "\x1b[1m"]], "'note'")
    assert "<script>" not in made
    assert "&lt;script&gt;" in made
    assert "a&amp;b" in made
    assert "\x1b" not in made
    assert "&#x27;note&#x27;" in made


def test_numbers_are_short_and_what_is_not_known_is_empty() -> None:
    """Four digits are enough to look at."""
    made = html_table("t", ["x", "y"], [[0.123456789, None]])
    assert "<td>0.1235</td><td></td>" in made


def test_many_rows_are_cut_and_counted() -> None:
    """The first are shown."""
    made = html_table("t", ["x"], [[row] for row in range(MANY + 3)])
    assert made.count("<tr>") == MANY + 1
    assert "and 3 more rows" in made
