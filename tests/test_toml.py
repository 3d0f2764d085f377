"""Strict TOML."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import pytest

from vbench._toml import parse_toml, read_toml
from vbench.errors import VbenchError


class Source(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    sha256: str | None = None


class Sheet(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    metric: Literal["l2", "ip"] = "l2"
    size: Annotated[int, msgspec.Meta(ge=1)] = 1
    sources: list[Source] = []
    build: dict[str, int | str] = {}
    nested: dict[str, Source] = {}


def complaint(text: str) -> str:
    with pytest.raises(VbenchError) as caught:
        parse_toml(text, Sheet, name="sheet.toml")
    return str(caught.value)


def test_good_file_becomes_the_struct(tmp_path):
    """A file that fits is decoded with its defaults."""
    path = tmp_path / "sheet.toml"
    path.write_text('title = "t"\n[[sources]]\nurl = "file:///x"\n')
    assert read_toml(path, Sheet) == Sheet("t", sources=[Source("file:///x")])


def test_unknown_key_names_the_nearest():
    """An unknown key is reported with the file, the nearest known key, and all of them."""
    text = complaint('title = "t"\n\nmetrik = "l2"\n')
    assert "sheet.toml: unknown key 'metrik'" in text
    assert "did you mean 'metric'?" in text
    assert "known: title, metric, size" in text


def test_unknown_key_in_second_table_of_an_array():
    """The path of the key counts the tables from 0."""
    text = complaint('title = "t"\n[[sources]]\nurl = "a"\n[[sources]]\nurl = "b"\nurll = 1\n')
    assert "unknown key 'urll' in sources[1]; did you mean 'url'?" in text


def test_unknown_key_in_an_inline_table():
    """An inline table is a table like any other."""
    assert "unknown key 'x' in sources[0]" in complaint(
        'title = "t"\nsources = [{url = "a", x = 1}]'
    )


def test_wrong_value_lists_what_is_allowed():
    """A value outside a list of words is reported with that list."""
    text = complaint('title = "t"\nmetric = "L2"\n')
    assert "metric = 'L2'; did you mean 'l2'?; allowed: 'l2', 'ip'" in text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("size = 0", "size = 0: Expected `int` >= 1"),
        ('size = "a"', "size = 'a': Expected `int`, got `str`"),
        ("build = {a = 1.5}", "build.a = 1.5: Expected `int | str`"),
        ("nested.x.url = 1", "nested.x.url = 1: Expected `str`, got `int`"),
        ("sources = 3", "sources = 3: Expected `array`"),
    ],
)
def test_wrong_type_or_range_names_the_key(line, words):
    """A value of the wrong type or out of range is reported with its key and the value."""
    assert words in complaint(f'title = "t"\n{line}\n')


def test_missing_key_is_named():
    """A required key that is not there is named, with the table that lacks it."""
    assert "missing key 'title'" in complaint("size = 2\n")
    assert "missing key 'url' in sources[0]" in complaint('title = "t"\n[[sources]]\n')


def test_syntax_error_names_the_line():
    """Text that is not TOML is reported with the parser's line."""
    assert "line 2" in complaint('title = "t"\nsize = = 2\n')


def test_missing_and_binary_files(tmp_path):
    """A file that is not there or not text is one plain message."""
    with pytest.raises(VbenchError, match="no such file"):
        read_toml(tmp_path / "none.toml", Sheet)
    (tmp_path / "b.toml").write_bytes(b"a = '\xff'")
    with pytest.raises(VbenchError, match="not UTF-8"):
        read_toml(tmp_path / "b.toml", Sheet)
