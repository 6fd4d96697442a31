"""The scenarios by name."""

from __future__ import annotations

from datetime import datetime

from tasks.domain.errors import ConfigError
from tasks.scenarios.script import Scenario

NAMES = ("solar", "parts")


def scenario_of(name: str, now: datetime) -> Scenario:
    """The scenario of that name, its last day being the day before `now`.

    Raises:
        ConfigError: there is no scenario of that name.
    """
    if name == "solar":
        from tasks.scenarios.solar import Solar

        return Solar(now)
    if name == "parts":
        from tasks.scenarios.parts import Parts

        return Parts(now)
    raise ConfigError(f"there is no scenario {name!r}; there are {', '.join(NAMES)}")
