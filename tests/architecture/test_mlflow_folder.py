"""The folder mlflow/ is configuration; the package of that name is the real one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

from tasks.adapters.registry_client import CLIENT_ENVIRONMENT
from tasks.domain.card import TAGS
from tasks.promote.projection import OURS

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "mlflow"


def test_there_is_no_python_in_it() -> None:
    assert FOLDER.is_dir()
    assert not list(FOLDER.rglob("*.py"))


def test_importing_mlflow_from_the_repository_gives_the_real_package() -> None:
    code = "import importlib.util as u; print(u.find_spec('mlflow').origin)"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.strip().endswith("__init__.py")
    assert not found.stdout.startswith(str(FOLDER))


def test_the_tags_that_people_read_about_are_the_tags_that_are_written() -> None:
    told = yaml.safe_load((FOLDER / "registry" / "tags.yaml").read_text(encoding="utf-8"))["tags"]
    assert {name: (frozenset(rule["stands_on"]), rule["meaning"]) for name, rule in told.items()} == {
        name: (rule.on, rule.meaning) for name, rule in TAGS.items()
    }


def test_the_alias_policy_names_every_alias() -> None:
    policy = (FOLDER / "registry" / "ALIASES.md").read_text(encoding="utf-8")
    assert all(f"| `{alias}` |" in policy for alias in OURS)


def test_the_example_environment_tells_clients_what_ours_sets_itself() -> None:
    example = (FOLDER / "server.env.example").read_text(encoding="utf-8")
    wanted = [name for name in CLIENT_ENVIRONMENT if "MULTIPART" in name or "HTTP_REQUEST" in name]
    assert all(f"{name}={CLIENT_ENVIRONMENT[name]}" in example for name in wanted)
