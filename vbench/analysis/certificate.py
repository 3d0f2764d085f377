"""A certificate as a file that travels with an index, and what asking again says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from vbench._document import Document, Params
from vbench.errors import DamagedFileError, VbenchError
from vbench.runs import files
from vbench.runs.digests import tag, untag

_SCHEMA = "vbench.certificate/1"


class CertifiedData(msgspec.Struct, frozen=True, kw_only=True):
    """The data that a certificate is about: digests of base vectors and of the queries.

    `source` opens them again.
    """

    name: str
    metric: str
    n: int
    m: int
    d: int
    base: str
    queries: str
    source: Params = {}


class CertifiedIndex(msgspec.Struct, frozen=True, kw_only=True):
    """The index, by the name that its recipe has: its build parameters, its code, its libraries."""

    name: str
    build: Params
    space: str | None
    code: str | None
    requires: dict[str, str]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A target that was certified in a view, its value on the held-out half, and the bound."""

    target: str
    view: str
    value: float | None
    bound: float | None


class CertifiedSetting(msgspec.Struct, frozen=True, kw_only=True):
    """The best setting for some targets at one K, and the claims that hold for it.

    Attributes
    ----------
    objective
        What it is the best by, of those that are certified.
    level
        Confidence of each bound.
    builds, seed
        Builds that each bound holds for; the seed made them, and divided the queries.
    held_out
        Queries that certified.
    filters, masks, only_filtered, workload
        Under which conditions and ages it was asked, as the call gave them.
    date
        When.
    """

    k: int
    setting: Params
    objective: str
    level: float
    builds: int
    seed: int
    threads: int
    held_out: int
    filters: tuple[str, ...] = ()
    masks: int = 3
    only_filtered: bool = False
    workload: str = "static"
    date: str
    claims: tuple[Claim, ...]


class Certificate(Document, frozen=True, kw_only=True, tag=_SCHEMA):
    """What is certified of one index over one dataset: a setting for each K and its targets.

    `vbench` and `machine` are those of the latest entry.
    """

    vbench: str
    machine: str | None
    data: CertifiedData
    index: CertifiedIndex
    settings: tuple[CertifiedSetting, ...]

    def joined(self, other: Certificate) -> Certificate:
        """Its settings, and those of another, which take the place of those for the same."""
        new = {_wanted(each) for each in other.settings}
        kept = [each for each in self.settings if _wanted(each) not in new]
        found = sorted([*kept, *other.settings], key=lambda each: each.k)
        return msgspec.structs.replace(other, settings=tuple(found))


def _wanted(setting: CertifiedSetting) -> str:
    return repr((setting.k, setting.workload, [(one.target, one.view) for one in setting.claims]))


def write_certificate(path: Path, certificate: Certificate) -> None:
    """Write a certificate, with a digest of what it says.

    Raises
    ------
    VbenchError
        The file cannot be written.
    """
    try:
        files.write_json(path, tag(certificate.to_builtins()))
    except OSError as error:
        raise VbenchError(f"cannot write {path}: {error.strerror}") from None


def read_certificate(path: Path) -> Certificate:
    """Read a certificate.

    Raises
    ------
    VbenchError
        There is none, it was changed, or a newer vbench wrote it.
    """
    try:
        document = files.read_json(path, "make it again with vbench tune --certificate")
    except IsADirectoryError:
        document = None
    if document is None:
        raise VbenchError(f"{path} is no file; vbench tune --certificate {path} makes one")
    if document.get("schema") != _SCHEMA:
        raise VbenchError(f"{path} is of {document.get('schema')}, and no {_SCHEMA}")
    try:
        return msgspec.convert(untag(document), Certificate)
    except msgspec.ValidationError as error:
        raise DamagedFileError(
            path, str(error), "make it again with vbench tune --certificate"
        ) from None


Outcome = Literal["holds", "broken", "open"]
Status = Literal["holds", "broken", "open", "not judged", "not measured"]


class VerifiedClaim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim, asked again.

    Attributes
    ----------
    was
        Its bound in the certificate.
    value, bound, builds
        As of :class:`vbench.analysis.tuning.HalfEvidence`, on the queries that were asked now.
    status
        `holds`: every build's bound reaches the target again. `broken`: some build surely misses
        it. `open`: neither is shown. `not judged`: other processes disturbed every pass.
        `not measured`: a trial left no result.
    more_queries
        How many more would show it, if they answered alike; None where no number would.
    """

    k: int
    setting: Params
    target: str
    view: str
    was: float | None
    value: float | None
    bound: float | None
    builds: tuple[float | None, ...]
    status: Status
    more_queries: int | None
    reason: str = ""


class Verification(Document, frozen=True, kw_only=True, tag="vbench.verify/1"):
    """What asking again says of a certificate.

    Attributes
    ----------
    status
        `holds` where every claim does; `broken` where one is, or could not be measured; else
        `open`.
    queries, are_fresh
        How many were asked, and whether the certificate has not seen them: else it is the half
        that certified.
    changes
        What is another one than when it was certified: data, code, libraries, machine.
    verdict
        The same in one sentence.
    """

    certificate: str
    run: str
    index: str
    dataset: str
    status: Outcome
    verdict: str
    queries: int
    are_fresh: bool
    changes: tuple[str, ...]
    claims: tuple[VerifiedClaim, ...]

    def __repr__(self) -> str:
        return f"<Verification {self.verdict}>"
