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
