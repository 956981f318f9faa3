"""Which files are the project's."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from winnow_collector.registry import Registry, site_dirs


def test_what_is_the_projects(tmp_path, monkeypatch):
    root = tmp_path / "project"
    for name in ("a.py", "site-packages/data.py", "env/lib/site-packages/used.py"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "other.py").write_text("")
    (tmp_path / "link").symlink_to(root)
    monkeypatch.setattr(sys, "path", [*sys.path, str(root / "env/lib/site-packages")])
    monkeypatch.chdir(root)
    assert str(root / "env/lib/site-packages") in site_dirs()
    registry = Registry(str(root))
    own = registry.project_path
    assert own("a.py") == own(str(root / "a.py")) == own(str(tmp_path / "link" / "a.py")) == "a.py"
    # A directory that only has such a name, and one that Python really uses.
    assert own(str(root / "site-packages/data.py")) == "site-packages/data.py"
    assert own(str(root / "env/lib/site-packages/used.py")) is None
    for name in ("", "<string>", "none.py", os.__file__, str(tmp_path / "site-packages/other.py")):
        assert own(name) is None, name


def test_paths_beside_the_project(tmp_path):
    registry = Registry(str(tmp_path / "project"))
    assert registry.relative(str(tmp_path / "elsewhere" / "x.py")) == "../elsewhere/x.py"
    assert registry.relative(str(tmp_path / "project")) == "."
