"""Write the JSON Schema of every `--json` document to docs/schemas.

python scripts/schemas.py
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from vbench._document import Document

MODULES = (
    "vbench.analysis.audit",
    "vbench.analysis.certificate",
    "vbench.analysis.claims",
    "vbench.analysis.combine",
    "vbench.analysis.comparison",
    "vbench.analysis.doctor",
    "vbench.analysis.field",
    "vbench.analysis.history",
    "vbench.analysis.imported",
    "vbench.analysis.ranking",
    "vbench.analysis.run_list",
    "vbench.analysis.skew",
    "vbench.analysis.study",
    "vbench.analysis.summary",
    "vbench.analysis.tail",
    "vbench.analysis.tuning",
    "vbench.analysis.watching",
    "vbench.data.documents",
    "vbench.data.importing.document",
    "vbench.indexes.conformance.kit",
    "vbench.indexes.overview",
    "vbench.ranking.handoff",
    "vbench.render.page.page",
    "vbench.towers.evaluate",
)
"""The modules whose documents have a schema."""
FOLDER = Path(__file__).parent.parent / "docs" / "schemas"


def documents() -> Iterator[type[Document]]:
    """Every class of documents, the modules imported."""
    for name in MODULES:
        importlib.import_module(name)
    yield from sorted(Document.__subclasses__(), key=name_of)


def name_of(document: type[Document]) -> str:
    """The command whose document it is: ``summary`` of ``vbench.summary/2``."""
    return str(document.__struct_config__.tag).removeprefix("vbench.").partition("/")[0]


def schema_of(document: type[Document]) -> str:
    """The JSON Schema of a class of documents."""
    schema = msgspec.json.schema(document)
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def main() -> int:
    """Write every schema."""
    FOLDER.mkdir(exist_ok=True)
    for document in documents():
        (FOLDER / f"{name_of(document)}.json").write_text(schema_of(document))
    return 0


if __name__ == "__main__":
    sys.exit(main())
