"""What collection yields, and what the plan leaves out."""

import pytest

FILES = {
    "test_a.py": """
        import pytest

        def test_1(): pass
        @pytest.mark.parametrize("n", [1, 2])
        def test_2(n): pass
        class TestC:
            def test_3(self): pass
        """,
    "sub/test_b.py": "def test_4(): pass\ndef test_5(): pass\n",
}
A = ["test_a.py::test_1", "test_a.py::test_2[1]", "test_a.py::test_2[2]", "test_a.py::TestC::test_3"]
B = ["sub/test_b.py::test_4", "sub/test_b.py::test_5"]


def ran(run):
    return sorted(test for journal in run.of_tests for test in journal.tests)


def test_collected_frames(project):
    project.write(FILES)
    project.write(
        {
            "test_empty.py": "",
            "test_broken.py": "raise ValueError\n",
            "test_skipped.py": "import pytest\npytest.importorskip('nowhere')\n",
        }
    )
    journal = project.run("-q", "--continue-on-collection-errors").journal
    found = {
        path: (frame["ids"], frame["survived"], frame["outcome"], frame["partial"])
        for path, frame in journal.collected.items()
    }
    assert found == {
        "test_a.py": (A, None, "passed", False),
        "sub/test_b.py": (B, None, "passed", False),
        "test_empty.py": ([], None, "passed", False),
        "test_broken.py": ([], None, "failed", False),
        "test_skipped.py": ([], None, "skipped", False),
    }
    for path, frame in journal.collected.items():
        assert journal.contexts[frame["ctx"]] is journal.context("file", path)
        assert frame["ctx"] in journal.contexts


@pytest.mark.parametrize(
    "init, whole",
    [
        ("", True),
        ("raise ValueError\n", False),
        ("import pytest\npytest.skip('not here', allow_module_level=True)\n", False),
    ],
)
def test_whether_all_directories_were_collected(project, init, whole):
    project.write({"test_it.py": "def test_1(): pass\n", "a/conftest.py": init, "a/test_a.py": "def test_2(): pass\n"})
    session = project.run("-q", "--continue-on-collection-errors").journal.session
    assert session["complete"] and session["whole"] is whole


def test_what_others_deselect(project):
    project.write(FILES)
    journal = project.run("-q", "-k", "test_2 or test_5", "--deselect", "sub/test_b.py::test_5").journal
    assert journal.collected["test_a.py"]["survived"] == [False, True, True, False]
    assert journal.collected["sub/test_b.py"]["survived"] == [False, False]
    assert ran(project.run("-q", "-m", "nothing")) == []


def test_parts_of_files(project):
    project.write(FILES)
    journal = project.run("-q", "test_a.py::test_2", "sub").journal
    assert journal.collected["test_a.py"]["partial"] is True
    assert journal.collected["test_a.py"]["ids"] == A[1:3]
    assert journal.collected["sub/test_b.py"]["partial"] is False
    journal = project.run("-q", "test_b.py::test_4", cwd="sub").journal
    assert journal.collected["sub/test_b.py"]["partial"] is True
    project.write({"sub/test_b.py": "def test_4(): pass\ndef test_5(): assert 0\n"})
    project.run("-q")
    journal = project.run("-q", "--lf").journal
    assert all(frame["partial"] for frame in journal.collected.values())


def test_reordering_is_not_seen(project):
    project.write(FILES)
    project.write({"conftest.py": "def pytest_collection_modifyitems(items): items.reverse()\n"})
    run = project.run("-v")
    assert run.journal.collected["test_a.py"]["ids"] == A
    assert list(run.journal.tests) == (A + B if "test_a.py" < "sub" else B + A)[::-1] or list(run.journal.tests)[
        -1
    ] in (A[0], B[0])


def test_files_left_out(project):
    project.write(FILES)
    run = project.run("-q", plan={"skipFiles": ["test_a.py"]})
    assert run.exit == 0
    assert ran(run) == B
    assert list(run.journal.collected) == ["sub/test_b.py"]
    assert "test_a.py" not in {frame["file"] for frame in run.journal.modules}


@pytest.mark.parametrize("init", ["sub/__init__.py", "sub/conftest.py"])
def test_directories_left_out(project, init):
    project.write(FILES)
    project.write({init: "print('loaded')\n", "sub/conftest.py": "", "sub/more/test_c.py": "def test_6(): pass\n"})
    plan = {"skipFiles": ["sub/test_b.py", "sub/more/test_c.py"], "skipDirectories": ["sub"]}
    run = project.run("-q", plan=plan)
    assert run.exit == 0, run.out
    assert ran(run) == sorted(A)
    assert not [frame["file"] for frame in run.journal.modules if frame["file"].startswith("sub/")]
    assert run.journal.session["whole"]
    # pytest does not ask whether to walk what it is told to.
    run = project.run("-q", "sub/more", "test_a.py", plan=dict(plan, skipFiles=["sub/test_b.py"]))
    assert set(ran(run)) == {"sub/more/test_c.py::test_6", *A}


def test_modules_found_by_files_left_out(project):
    test = "def test_y():\n    import helpers\n    assert helpers.NAME\n"
    files = {"a/helpers.py": "NAME = 1\n", "a/test_x.py": "def test_x(): pass\n", "b/test_y.py": test}
    project.write(dict(files, **{"a/deep/test_z.py": "def test_z(): pass\n"}))
    inputs = [["exists", "a/__init__.py", "-"], ["exists", "a/test_x.py", "f"]]
    for plan in (
        {},
        {"skipFiles": ["a/test_x.py"]},
        {"skipFiles": ["a/test_x.py", "a/test_y.txt", "a/deep/test_z.py"], "skipDirectories": ["a"]},
    ):
        run = project.run("-q", plan=plan)
        assert run.exit == 0, run.out
        (module,) = [frame for frame in run.journal.modules if frame["name"] == "helpers"]
        assert sorted(each for each in run.journal.contexts[module["ctx"]]["inputs"] if each[0] == "exists") == inputs
    run = project.run("-q", "--import-mode=importlib", plan={"skipFiles": ["a/test_x.py"]})
    assert run.exit == 1, "nothing puts its directory on the path"


def test_files_left_out_that_are_arguments(project):
    project.write(FILES)
    run = project.run("-q", "test_a.py", "sub/test_b.py", plan={"skipFiles": ["test_a.py"]})
    assert run.exit == 0, run.out
    assert ran(run) == B
    assert list(run.journal.collected) == ["sub/test_b.py"]
    run = project.run("-q", "test_a.py::test_1", plan={"skipFiles": ["test_a.py"]})
    assert ran(run) == A[:1], "a file addressed with :: is never refused"
    run = project.run("-q", "test_b.py", cwd="sub", plan={"skipFiles": ["sub/test_b.py"]})
    assert ran(run) == []
    assert run.exit == 5


def test_tests_left_out(project):
    project.write(FILES)
    run = project.run("-v", plan={"skipTests": {"test_a.py": [A[0], A[2], "test_a.py::gone"]}})
    assert run.exit == 0
    assert ran(run) == sorted(B + [A[1], A[3]])
    assert "2 deselected" in run.out
    assert run.journal.collected["test_a.py"]["ids"] == A
    assert run.journal.collected["test_a.py"]["survived"] is None


def test_the_plan_comes_after_everybody_else(project):
    project.write(FILES)
    project.write(
        {
            "conftest.py": """
                import pytest

                @pytest.hookimpl(hookwrapper=True, tryfirst=True)
                def pytest_collection_modifyitems(items):
                    print("before", len(items))
                    yield
                    print("after", len(items))
                    items[:] = [item for item in items if "test_5" not in item.name]
                """,
        }
    )
    run = project.run("-s", "-q", "-k", "not test_4", plan={"skipTests": {"test_a.py": [A[0]]}})
    assert "before 6" in run.out and "after 5" in run.out
    assert ran(run) == sorted(A[1:])
    assert run.journal.collected["sub/test_b.py"]["survived"] == [False, False]


def test_everything(project):
    project.write(FILES)
    plan = {"skipFiles": ["test_a.py"], "skipTests": {"sub/test_b.py": B}, "everything": True}
    assert ran(project.run("-q", plan=plan)) == sorted(A + B)


def test_the_plan_without_recording(project):
    project.write(FILES)
    run = project.run("-q", plan={"skipFiles": ["test_a.py"], "skipTests": {"sub/test_b.py": B[:1]}}, record=False)
    assert run.journals == []
    assert "1 passed, 1 deselected" in run.out


def test_collect_only(project):
    project.write(FILES)
    run = project.run("-q", "--collect-only", plan={"skipTests": {"test_a.py": A[:1]}})
    assert run.exit == 0
    assert A[0] not in run.out and A[1] in run.out
    assert run.journal.collected["test_a.py"]["ids"] == A
    assert run.journal.tests == {}


def test_the_plan_under_xdist(project):
    import pytest

    pytest.importorskip("xdist")
    project.write(FILES)
    run = project.run("-q", "-n", "2", plan={"skipFiles": ["sub/test_b.py"], "skipTests": {"test_a.py": A[:1]}})
    assert run.exit == 0, run.out
    assert ran(run) == sorted(A[1:])
    assert [journal.collected for journal in run.journals if journal.start["role"] == "controller"] == [{}]


def test_ids_of_load_groups(project):
    import pytest

    pytest.importorskip("xdist")
    project.write({"test_it.py": "import pytest\n@pytest.mark.xdist_group('g')\ndef test_1(): pass\n"})
    run = project.run("-q", "-n", "1", "--dist", "loadgroup")
    assert ran(run) == ["test_it.py::test_1"]
    assert run.of_tests[0].collected["test_it.py"]["ids"] == ["test_it.py::test_1"]
    assert run.of_tests[0].collected["test_it.py"]["survived"] is None


def test_what_runs_while_a_file_is_collected(project):
    project.write(
        {
            "lib.py": "def cases(): return more()\ndef more(): return [1]\ndef ids(v): return 'x'\n",
            "conftest.py": "import lib\ndef pytest_generate_tests(metafunc):\n    if 'g' in metafunc.fixturenames: metafunc.parametrize('g', lib.more())\n",
            "test_a.py": "import lib, pytest\n@pytest.mark.parametrize('n', lib.cases(), ids=lib.ids)\ndef test_1(n): pass\n",
            "test_b.py": "def test_2(g): pass\n",
            "test_c.py": "def test_3(): pass\n",
        }
    )
    journal = project.run("-q").journal
    assert {"lib.py::cases", "lib.py::more", "lib.py::ids"} <= journal.bodies("test_a.py::test_1[x]")
    assert "lib.py::more" in journal.bodies("test_b.py::test_2[1]")
    assert "lib.py::more" not in journal.bodies("test_c.py::test_3")


def test_classes_inherited_from_another_file(project):
    project.write(
        {
            "base.py": "class Base:\n    def test_1(self): helper()\ndef helper(): pass\n",
            "test_a.py": "from base import Base\nclass TestA(Base): pass\n",
        }
    )
    journal = project.run("-q").journal
    assert journal.collected["test_a.py"]["ids"] == ["test_a.py::TestA::test_1"]
    assert journal.own("test_a.py::TestA::test_1") == {"base.py::test_1", "base.py::helper"}


def test_doctests_and_other_items(project):
    project.write(
        {
            "lib.py": 'def f():\n    """\n    >>> f()\n    1\n    """\n    return 1\n',
            "test_text.txt": ">>> import lib\n>>> lib.f()\n1\n",
            "conftest.py": """
                import pytest

                class Item(pytest.Item):
                    def runtest(self):
                        import lib
                        lib.f()

                class File(pytest.File):
                    def collect(self):
                        self.path.read_text()
                        yield Item.from_parent(self, name="item")

                def pytest_collect_file(parent, file_path):
                    if file_path.suffix == ".odd":
                        return File.from_parent(parent, path=file_path)
                """,
            "thing.odd": "odd",
        }
    )
    journal = project.run("-q", "--doctest-modules").journal
    assert {"lib.py", "test_text.txt", "thing.odd"} <= set(journal.collected)
    for test in ("lib.py::lib.f", "test_text.txt::test_text.txt", "thing.odd::item"):
        assert "lib.py::f" in journal.own(test)
    assert [entry[1] for entry in journal.inputs("thing.odd::item") if entry[0] == "file"] == ["thing.odd"]
    assert "test_text.txt" in [
        entry[1] for entry in journal.inputs("test_text.txt::test_text.txt") if entry[0] == "file"
    ]
