"""Third-party text."""

from __future__ import annotations

import json
import unicodedata

import pytest

from vbench._plain import in_figure, plain, plain_json

EVERY = [chr(code) for code in range(0x110000)]


def test_nothing_that_controls_a_terminal_stays():
    """Of all characters, none of the controls, of the turners of lines, of the halves is left."""
    for character in EVERY:
        shown = plain(f"a{character}b")
        if character in "\n\t":
            assert shown == f"a{character}b"
        elif unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp"):
            assert shown.isascii()
            assert shown.isprintable()
            assert shown.startswith("a\\")


@pytest.mark.parametrize(
    "text", ["hnsw[fast]", "日本語 é ö 👩‍🚀", "Recall ≥ 0.9 ± 0.01", "a\tb\nc"]
)
def test_text_is_let_be(text):
    """Letters of any alphabet, signs and line breaks are text."""
    assert plain(text) == text


def test_json_keeps_its_values():
    """What would control a terminal is escaped in JSON's way."""
    value = {"a\x9b\x7f": "\u202ex\U000e0041\x1b[1m"}
    text = plain_json(json.dumps(value, ensure_ascii=False))
    assert text.isascii()
    assert json.loads(text) == value


def test_names_in_figures():
    """A formula is not set, a leading underscore does not hide it, a break does not make a line."""
    for name in ("a $x$ b", "$", "$$", r"\$x$", "_hidden"):
        shown = in_figure(name)
        assert shown.replace("\\$", "").count("$") == 0
        assert not shown.startswith("_")
    assert in_figure("a\n b\x1b") == "a b\\x1b"
