"""Arguments in messages: as they are written in Python, or on the command line."""

import pytest

from vbench._invocation import advise_trust, spell_option, within_command

SPELLED = [
    (("out", None), "out", "--out"),
    (("out", "a b"), "out='a b'", "--out 'a b'"),
    (("queries", "FILE"), "queries=FILE", "--queries FILE"),
    (("fresh", True), "fresh=True", "--fresh"),
    (("ground_truth", False), "ground_truth=False", "--ground-truth none"),
    (("at_recall", 0.9), "at_recall=0.9", "--at-recall 0.9"),
    (("settings", {"hnsw.ef": [16, 32]}), "settings={'hnsw.ef': [16, 32]}", "--set hnsw.ef=16,32"),
    (("memory_limit", None), "memory_limit", "--memory"),
    (("k", 10), "k=10", "-k 10"),
]


@pytest.mark.parametrize(("given", "python", "typed"), SPELLED)
def test_an_argument_is_spelled_for_who_called(given: tuple, python: str, typed: str) -> None:
    """In Python as an argument, within a command as its option."""
    assert spell_option(*given) == python
    with within_command(["run"]):
        assert spell_option(*given) == typed
    assert spell_option(*given) == python


def test_the_options_that_messages_name_exist() -> None:
    """What a message tells to type is an option of some command."""
    from vbench.cli.run import run

    with within_command(["run"]):
        named = {spell_option(given[0]) for given, _, _ in SPELLED} | {"--trust"}
    assert named <= {option for each in run.params for option in each.opts}


def test_trust_is_asked_for_in_the_words_of_the_caller() -> None:
    """`--trust` is said to who typed a command, `trust=True` to who wrote Python."""
    assert advise_trust().endswith("trust=True")
    with within_command([]):
        assert advise_trust().endswith("--trust")
