"""What users of pytest-testmon have complained of for years, in the words of its options."""

import os
import shutil

import pytest

NO_CACHE = ("-p", "no:cacheprovider")


def test_a_partial_run_after_an_edit_forgets_nothing_elsewhere(project):
    project.write(
        {
            "pytest.ini": "[pytest]\n",
            "shared.py": "def value():\n    return 1\n",
            "tests/a/test_a.py": "import shared\n\ndef test_a(): assert shared.value() == 1\n",
            "tests/b/test_b.py": "import shared\n\ndef test_b(): assert shared.value() == 1\n",
        }
    )
    project.run("--testmon")
    project.write({"shared.py": "def value():\n    return 2\n"})
    assert project.run("--testmon", "tests/a").ran == "1 failed"
    assert project.run("--testmon").ran == "2 failed"


def test_constants_and_attributes_of_classes_count(project):
    files = {
        "pytest.ini": "[pytest]\n",
        "rates.py": "RATE = 5\n\nclass Limits:\n    most = 5\n",
        "test_rates.py": """
            import rates

            def test_rate(): assert rates.RATE == 5
            def test_limit(): assert rates.Limits.most == 5
            def test_other(): pass
            """,
    }
    project.write(files)
    project.run("--testmon")
    project.write({"rates.py": files["rates.py"].replace("RATE = 5", "RATE = 6")})
    assert project.run("--testmon").ran == "1 failed, 2 deselected"
    project.write({"rates.py": files["rates.py"].replace("most = 5", "most = 6")})
    assert project.run("--testmon").ran == "1 failed, 2 deselected"


def test_what_a_class_sets_up_counts_for_each_of_its_tests(project):
    project.write(
        {
            "pytest.ini": "[pytest]\n",
            "source.py": "def load():\n    return 1\n",
            "test_class.py": """
                import source

                class TestIt:
                    @classmethod
                    def setup_class(cls): cls.value = source.load()
                    def test_first(self): assert self.value == 1
                    def test_second(self): assert self.value == 1
                """,
        }
    )
    project.run("--testmon")
    project.write({"source.py": "def load():\n    return 2\n"})
    assert project.run("--testmon").ran == "2 failed"


def test_files_of_data_count_without_a_word(project):
    project.write(
        {
            "pytest.ini": "[pytest]\n",
            "data.txt": "1\n",
            "test_data.py": """
                import os

                def test_data():
                    with open(os.path.join(os.path.dirname(__file__), "data.txt")) as file:
                        assert file.read() == "1\\n"
                def test_other(): pass
                """,
        }
    )
    project.run("--testmon")
    project.write({"data.txt": "2\n"})
    assert project.run("--testmon").ran == "1 failed, 1 deselected"


def test_code_of_child_processes_counts(project):
    project.write(
        {
            "pytest.ini": "[pytest]\n",
            "tool.py": "def main():\n    print(1)\n\nif __name__ == '__main__':\n    main()\n",
            "test_tool.py": """
                import subprocess, sys

                def test_tool(): assert subprocess.check_output([sys.executable, "tool.py"]).split() == [b"1"]
                def test_other(): pass
                """,
        }
    )
    project.run("--testmon")
    assert project.run("--testmon").ran == "no tests ran"
    project.write({"tool.py": "def main():\n    print(2)\n\nif __name__ == '__main__':\n    main()\n"})
    assert project.run("--testmon").ran == "1 failed, 1 deselected"


def test_going_back_runs_nothing(shop):
    shop.run("--testmon")
    source = (shop.root / "shop.py").read_text()
    shop.write({"shop.py": source.replace("+ 1", "+ 1 + 0")})
    assert shop.run("--testmon").ran == "1 passed, 1 deselected"
    shop.write({"shop.py": source})
    assert shop.run("--testmon").ran == "no tests ran"


def test_a_store_that_was_restored_in_another_checkout_is_as_good(shop, tmp_path):
    shop.run("--testmon", *NO_CACHE)
    store = tmp_path / "store"
    shutil.move(str(shop.root / ".winnow"), str(store))
    fresh = tmp_path / "fresh"
    shutil.copytree(str(shop.root), str(fresh), copy_function=shutil.copy)
    shutil.move(str(store), str(fresh / ".winnow"))
    shop.root = fresh
    assert shop.run("--testmon", *NO_CACHE).ran == "no tests ran"


def test_readonly_makes_no_store_where_there_is_none(shop):
    assert shop.run("--testmon", "--testmon-readonly", *NO_CACHE).ran == "3 passed"
    assert not (shop.root / ".winnow").exists()


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "2")])
def test_a_store_that_cannot_be_written_costs_no_test(shop, workers):
    if workers:
        pytest.importorskip("xdist")
    if os.geteuid() == 0:
        # For root permissions are no obstacle, but a file in the place of the directory is.
        (shop.root / ".winnow").write_text("no directory")
    else:
        os.chmod(str(shop.root), 0o555)
    try:
        run = shop.run("--testmon", *NO_CACHE, *workers)
    finally:
        os.chmod(str(shop.root), 0o755)
    assert (run.exit, run.ran) == (0, "3 passed")
    assert "every test runs and nothing is recorded, because" in run.out + run.err


def test_the_order_is_the_one_that_was_written(project):
    project.write(
        {
            "pytest.ini": "[pytest]\n",
            "test_order.py": """
                import time

                def test_slow(): time.sleep(0.2)
                def test_fast(): pass
                """,
        }
    )
    for _ in range(2):
        out = project.run("--testmon-noselect", "-v").out
        assert out.index("test_slow PASSED") < out.index("test_fast PASSED")


def test_a_test_can_run_always_and_more_be_asked_for(shop):
    shop.write({"test_always.py": "import pytest\n\n@pytest.mark.winnow(always=True)\ndef test_always(): pass\n"})
    shop.run("--testmon")
    assert shop.run("--testmon").ran == "1 passed"


def test_the_projects_own_coverage_is_what_it_is_without(shop):
    pytest.importorskip("pytest_cov")
    covered = ("-p", "pytest_cov", "--cov=shop", *NO_CACHE)
    rows = [
        [line for line in shop.run(*args, *covered).out.splitlines() if line.startswith("shop.py ")]
        for args in ((), ("--testmon",))
    ]
    assert rows[0] == rows[1] != []
