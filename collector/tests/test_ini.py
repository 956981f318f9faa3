"""pytest knows the names of Winnow's settings in its own configuration."""

from winnow_collector.ini import SETTINGS

STRICT = """
    [pytest]
    addopts = --strict-config -W error
    {}
    """


def test_every_name_is_known_however_strict_pytest_is(project):
    lines = "\n    ".join("%s = x" % name for name, _, _ in SETTINGS)
    project.write({"pytest.ini": STRICT.format(lines), "test_it.py": "def test_it(): pass\n"})
    run = project.run()
    assert run.exit == 0, run.out + run.err
    assert "Unknown config option" not in run.out
    assert len(run.of_tests) == 1


def test_a_name_that_is_none_stays_unknown(project):
    project.write({"pytest.ini": STRICT.format("winnow_mod = x"), "test_it.py": "def test_it(): pass\n"})
    run = project.run()
    assert run.exit == 4, run.out + run.err
    assert "winnow_mod" in run.err


def test_a_plugin_that_announces_such_a_name_as_well_has_the_last_word(project):
    project.write(
        {
            "pytest.ini": """
                [pytest]
                environment_expression = a
                """,
            "conftest.py": """
                def pytest_addoption(parser):
                    parser.addini("environment_expression", "another", default="")
                    parser.addini("testmon_ignore_dependencies", "another", type="args", default=["b"])
                """,
            "test_it.py": """
                def test_it(pytestconfig):
                    assert pytestconfig.getini("environment_expression") == "a"
                    assert pytestconfig.getini("testmon_ignore_dependencies") == ["b"]
                """,
        }
    )
    run = project.run()
    assert run.exit == 0, run.out + run.err
