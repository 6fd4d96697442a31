"""A folder is the list of plug-ins: the name in the configuration is the file name, and adding one is adding a file."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from tasks.domain.errors import ConfigError

Record = TypeVar("Record")


def names(package: str) -> tuple[str, ...]:
    """The plug-ins of a package in alphabetical order, found by looking at its folder; none of them is imported.

    Files that start with an underscore are not plug-ins.

    >>> "ks" in names("tasks.drift.detectors")
    True

    Raises:
        ConfigError: the package does not exist.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(f"there is no plug-in folder {package!r}")
    files = (path for folder in spec.submodule_search_locations for path in Path(folder).glob("*.py"))
    return tuple(sorted(path.stem for path in files if not path.stem.startswith("_")))


def known(package: str, name: str) -> str:
    """The name itself, when the folder has a file of that name.

    Raises:
        ConfigError: it has none; the message lists the ones it has.
    """
    found = names(package)
    if name not in found:
        raise ConfigError(f"unknown {package.rpartition('.')[2]} {name[:80]!r}; known: {', '.join(found)}")
    return name


def load(package: str, name: str, attribute: str, kind: type[Record]) -> Record:
    """The record that the plug-in declares under `attribute` (`DETECTOR`, …), checked to be of that type.

    Raises:
        ConfigError: the name is unknown, or the file does not declare the record.
    """
    module = import_module(f"{package}.{known(package, name)}")
    record = getattr(module, attribute, None)
    if not isinstance(record, kind):
        raise ConfigError(f"{package}.{name} declares no {attribute} = {kind.__name__}(…)")
    return record
