"""Equal footing: for each index, the setting nearest to one level of mean recall."""

from __future__ import annotations

from typing import NamedTuple

from vbench.render.page.gather import Panel, Shown

NEAR = 0.02
NEAR_OF_MISSES = 0.2
_USUAL = 0.9
_LEVELS = [level / 100 for level in range(50, 100)]


class Footing(NamedTuple):
    """The settings that are compared in words.

    Attributes
    ----------
    level
        Mean recall at which most indexes have a setting.
    chosen
        Of each index the setting nearest to it.
    """

    level: float
    chosen: dict[str, Shown]

    @property
    def equal(self) -> dict[str, Shown]:
        """The indexes that do have a setting near the level."""
        return {name: shown for name, shown in self.chosen.items() if self.is_near(shown)}

    def is_near(self, shown: Shown) -> bool:
        """Whether a setting's mean recall is that of the level, for the purpose of words."""
        return is_near(shown.recall, self.level)


def footing(panel: Panel) -> Footing:
    """The level that the run was brought to, or the one that most indexes come near to.

    Of several such levels the usual 0.9, then the one that they come nearest to.
    """
    if (asked := panel.options.at_recall) is not None:
        return Footing(asked, nearest(panel, asked))

    def worth(level: float) -> tuple[int, bool, float]:
        recalls = [shown.recall for shown in nearest(panel, level).values()]
        near = [recall for recall in recalls if is_near(recall, level)]
        return len(near), level == _USUAL, -sum(abs(recall - level) for recall in near)

    level = max(_LEVELS, key=worth)
    return Footing(level, nearest(panel, level))


def is_near(recall: float, level: float) -> bool:
    """Whether two mean recalls may be called equal: within 0.02, and within a fifth of the misses.

    Without the second rule the highest level always wins, where every sweep ends.
    """
    return abs(recall - level) <= min(NEAR, NEAR_OF_MISSES * (1.0 - level))


def nearest(panel: Panel, level: float) -> dict[str, Shown]:
    """Of each index the setting whose mean recall is nearest to `level`."""
    return {
        index: min(settings, key=lambda shown: abs(shown.recall - level))
        for index, settings in panel.by_index.items()
    }
