"""What markers declare, as the journal has it."""

import pytest
from winnow_collector.marker import declared_by


class Mark:
    def __init__(self, *args, **kwargs):
        self.args = args
        self.kwargs = kwargs


class Item:
    def __init__(self, *marks):
        self.marks = marks

    def iter_markers(self, name):
        assert name == "winnow"
        return iter(self.marks)


def test_without_a_marker_there_is_nothing():
    assert declared_by(Item()) == (None, [])


def test_all_markers_count_together():
    item = Item(Mark(depends=["a", "b"], env="X"), Mark(depends=("b", "c"), commands=["git x"]), Mark(always=False))
    assert declared_by(item) == ({"depends": ["a", "b", "c"], "env": ["X"], "commands": ["git x"]}, [])


def test_always_is_said_once():
    assert declared_by(Item(Mark(), Mark(always=True), Mark(always=False))) == ({"always": True}, [])
    assert declared_by(Item(Mark())) == ({}, [])


@pytest.mark.parametrize(
    "mark, problem",
    [
        (Mark("a"), "it takes named arguments only"),
        (Mark(always=1), "always must be True or False"),
        (Mark(dependz=[]), "there is no argument dependz"),
        (Mark(depends=3), "depends must be a list of texts"),
        (Mark(env=["A", 1]), "env must be a list of texts"),
        (Mark(commands=None), "commands must be a list of texts"),
        (Mark(depends={"a": 1}), "depends must be a list of texts"),
    ],
)
def test_what_is_not_understood_runs_always(mark, problem):
    assert declared_by(Item(mark, Mark(depends=["a"]))) == ({"depends": ["a"], "always": True}, [problem])


def test_the_journal_has_it(project):
    project.write(
        {
            "test_it.py": """
                import pytest

                pytestmark = pytest.mark.winnow(env=["MODE"])

                @pytest.mark.winnow(depends=["data/*"])
                class TestIt:
                    def test_in(self): pass

                def test_out(): pass

                @pytest.mark.winnow(always=3)
                def test_wrong(): pass
                """,
            "test_plain.py": "def test_plain(): pass",
        }
    )
    run = project.run("--strict-markers")
    assert run.exit == 0
    (journal,) = run.journals
    marked = {frame["id"].split("::")[-1]: frame.get("marked") for frame, _ in journal.frames if frame["k"] == "test"}
    assert marked == {
        "test_in": {"depends": ["data/*"], "env": ["MODE"]},
        "test_out": {"env": ["MODE"]},
        "test_wrong": {"env": ["MODE"], "always": True},
        "test_plain": None,
    }
    (note,) = journal.notes
    assert "test_it.py runs always" in str(note) and "always must be True or False" in str(note)
