"""Matched recall: for each index, the setting nearest to one level of mean recall."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vbench.analysis.gather import Panel
from vbench.measures import usual
from vbench.runs.settings import Setting

_LEVELS = [level / 100 for level in range(50, 100)]


class MatchedRecall(NamedTuple):
    """The settings that are compared in words.

    Attributes
    ----------
    level
        Mean recall at which most indexes have a setting.
    chosen
        Of each index the setting nearest to it.
    """

    level: float
    chosen: dict[str, Setting]

    @property
    def at_level(self) -> dict[str, Setting]:
        """The indexes that do have a setting at the level."""
        return {name: shown for name, shown in self.chosen.items() if self.is_at_level(shown)}

    @property
    def is_matched(self) -> bool:
        """Whether two indexes at least have a setting at the level."""
        return len(self.at_level) > 1

    @property
    def heading(self) -> str:
        """At what the settings are compared."""
        if self.is_matched:
            return "At matched recall"
        return "At mean recall" if len(self.chosen) == 1 else "At the nearest mean recall"

    @property
    def compared(self) -> list[Setting]:
        """The settings that are compared: those at the level, or all where no two are."""
        return list((self.at_level if self.is_matched else self.chosen).values())

    def is_at_level(self, shown: Setting) -> bool:
        """Whether a setting's mean recall is that of the level."""
        return usual.is_at(shown.recall, self.level)


def match_recall(panel: Panel) -> MatchedRecall:
    """The settings that are compared, at the level of :func:`match_level`."""
    level = match_level(panel.by_index, panel.options.at_recall)
    return MatchedRecall(level, nearest(panel, level))


def match_level(by_index: Mapping[str, Sequence[Setting]], at_recall: float | None) -> float:
    """The recall that the run was brought to, or the one that most indexes have a setting at.

    Of several such levels the usual 0.9, then the one that they come nearest to; where no two
    indexes have matched recall, the level at which they come nearest to each other. One index
    has the usual level.
    """
    if at_recall is not None:
        return at_recall
    if len(by_index) < 2:
        return usual.RECALL
    recalls = [[setting.recall for setting in settings] for settings in by_index.values()]

    def worth(level: float) -> tuple[int, bool, float]:
        closest = [min(own, key=lambda recall: abs(recall - level)) for own in recalls]
        at = [recall for recall in closest if usual.is_at(recall, level)]
        if len(at) > 1:
            return len(at), level == usual.RECALL, -sum(abs(recall - level) for recall in at)
        return 1, False, min(closest) - max(closest)

    return max(_LEVELS, key=worth)


def nearest(panel: Panel, level: float) -> dict[str, Setting]:
    """Of each index the setting whose mean recall is nearest to `level`."""
    return {index: nearest_of(settings, level) for index, settings in panel.by_index.items()}


def nearest_of(settings: Sequence[Setting], level: float) -> Setting:
    """The setting whose mean recall is nearest to `level`; of equal ones the first."""
    return min(settings, key=lambda each: abs(each.recall - level))
