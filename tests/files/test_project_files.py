"""A project begins with files that may be changed, and are not written again."""

from pathlib import Path

from connectors_dagster.files.project_files import WRITTEN, workspace_file, write_instance, write_project

ROOT = Path(__file__).parents[2]


def test_a_new_project_has_the_files_of_this_one(tmp_path):
    assert write_project(tmp_path) == list(WRITTEN)
    for path in (".dagster/dagster.yaml", "workspace.yaml", ".dlt/config.toml"):
        assert (tmp_path / path).read_text() == (ROOT / path).read_text()
    assert set((tmp_path / ".gitignore").read_text().split()) <= set((ROOT / ".gitignore").read_text().split())


def test_files_that_exist_are_kept(tmp_path):
    (tmp_path / "workspace.yaml").write_text("load_from: []\n")
    assert "workspace.yaml" not in write_project(tmp_path)
    assert (tmp_path / "workspace.yaml").read_text() == "load_from: []\n"
    assert write_project(tmp_path) == []


def test_an_instance_of_its_own_has_pools(tmp_path):
    write_instance(tmp_path / "home")
    assert "default_limit: 1" in (tmp_path / "home" / "dagster.yaml").read_text()


def test_a_folder_without_a_workspace_uses_the_packaged_one(tmp_path):
    assert workspace_file(tmp_path).read_text() == (ROOT / "workspace.yaml").read_text()
    write_project(tmp_path)
    assert workspace_file(tmp_path) == tmp_path / "workspace.yaml"
