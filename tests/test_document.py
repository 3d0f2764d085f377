"""Documents: their schemas, and that docs/schemas holds them."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path

import msgspec
import pytest

from vbench._document import Document, Interval

_ROOT = Path(__file__).parent.parent


class Example(Document, tag="vbench.example/2"):
    value: float | None = None
    interval: Interval | None = None


def test_a_document_begins_with_its_schema() -> None:
    """The schema is the first key of the JSON, and an attribute."""
    document = Example(value=1.0)
    assert next(iter(json.loads(document.to_json()))) == "schema"
    assert document.schema == document.to_builtins()["schema"] == "vbench.example/2"


def test_numbers_that_json_does_not_know_are_null() -> None:
    """NaN and infinities become null, and are read back as None."""
    document = Example(value=math.nan, interval=Interval(0.5, -math.inf, math.inf))
    assert document.to_builtins()["value"] is None
    assert Example.from_json(document.to_json()) == Example(interval=Interval(0.5))


class Row(msgspec.Struct):
    name: str
    setting: dict[str, object]
    recall: Interval
    measures: dict[str, Interval]
    parts: tuple[Interval, ...] = ()


class Result(Document, tag="vbench.result/2"):
    run: str
    rows: tuple[Row, ...]
    warnings: tuple[Interval, ...] = ()


def test_a_document_is_a_line_and_small_tables() -> None:
    """What somebody wrote is escaped; values stand with their intervals."""
    row = Row("a<b", {"ef": 1}, Interval(0.5, 0.25, 0.75), {"QPS": Interval(1234.5)})
    shown = Result(run="results/x", rows=(row, row))
    assert repr(shown) == "<Result of results/x: 2 rows>"
    html = shown._repr_html_()
    assert html.count("<table>") == 1
    assert "<th>name</th><th>recall</th><th>QPS</th></tr>" in html
    assert "<td>a&lt;b</td><td>0.5 [0.25, 0.75]</td><td>1234</td>" in html


@pytest.mark.parametrize(
    "text", ['{"schema": "vbench.other/2"}', '{"schema": "vbench.example/2", "x": 1}']
)
def test_another_document_is_not_read(text: str) -> None:
    """Another schema, or a field that the class does not have, is refused."""
    with pytest.raises(msgspec.ValidationError):
        Example.from_json(text)


def test_schemas_are_current() -> None:
    """docs/schemas holds the JSON Schema of every document, and no other."""
    path = _ROOT / "scripts" / "schemas.py"
    spec = importlib.util.spec_from_file_location("schemas", path)
    assert spec is not None
    assert spec.loader is not None
    schemas = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(schemas)
    wanted = {
        f"{schemas.name_of(each)}.json": schemas.schema_of(each)
        for each in schemas.documents()
        if each.__module__.startswith("vbench.")
    }
    held = {path.name: path.read_text() for path in schemas.FOLDER.glob("*.json")}
    assert held == wanted, "python scripts/schemas.py"


@pytest.mark.parametrize(
    "name", ["compare", "rank", "rank.export", "report", "study", "summary", "tail", "tune"]
)
def test_what_runs_lack_stands_in_every_document_about_them(name: str) -> None:
    """Trials in `failed`, settings in words in `missing`; empty where nothing failed."""
    schema = json.loads((_ROOT / "docs" / "schemas" / f"{name}.json").read_text())
    fields = schema["$defs"][schema["$ref"].rpartition("/")[2]]["properties"]
    assert fields["failed"]["items"] == {"$ref": "#/$defs/FailedTrial"}
    assert fields["missing"]["items"] == {"type": "string"}
