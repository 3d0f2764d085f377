"""What the rows of all documents about settings begin with."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from vbench._document import Params
from vbench.runs.loads import LoadInfo, describe_load
from vbench.runs.run import Run
from vbench.runs.schema import STATIC, DatasetInfo, View
from vbench.runs.settings import Setting

R = TypeVar("R", bound="SettingRow")


class ViewFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Under which condition a setting was asked: at which step, under which filter and mask."""

    step: int | None = None
    filter: str | None = None
    mask: int | None = None

    @classmethod
    def from_view(cls, view: View) -> ViewFacts | None:
        """Of a view; None where it is the whole base."""
        if view.key == STATIC:
            return None
        return cls(step=view.step, filter=view.filter, mask=view.mask)


class SettingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of a run.

    Attributes
    ----------
    name
        The setting as tables call it.
    builds, missing
        Builds that left a result, and planned ones that left none.
    space
        The transform of the space that was searched, if any.
    view, load
        None: the whole base as it was fitted; one query after another.
    environment
        Key in the `environments` of run.json.
    """

    name: str
    index: str
    build: Params
    setting: Params
    k: int
    builds: int
    missing: int = 0
    space: str | None = None
    view: ViewFacts | None = None
    load: LoadInfo | None = None
    environment: str | None = None

    @classmethod
    def from_setting(cls: type[R], setting: Setting, **more: Any) -> R:
        """The row of a setting; `more` are the fields of a subclass."""
        run, first = setting.run, setting.trials[0]
        return cls(
            name=str(setting),
            index=setting.index,
            build=setting.build,
            setting=setting.search,
            k=setting.k,
            builds=len(setting.trials),
            missing=run.count_planned(setting) - len(setting.trials),
            space=setting.space,
            view=ViewFacts.from_view(run.view),
            load=describe_load(setting.load),
            environment=run.facts(first).environment,
            **more,
        )


class AlikeRow(SettingRow, frozen=True, kw_only=True):
    """A setting of a list; `same_as` names an earlier one of it whose answers are the same."""

    same_as: str | None = None


def describe_dataset(run: Run) -> DatasetInfo:
    """The dataset of a run, without its card."""
    facts = run.manifest.dataset
    return DatasetInfo(**{name: getattr(facts, name) for name in DatasetInfo.__struct_fields__})
