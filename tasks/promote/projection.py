"""What MLflow's aliases should be, given the ledger, and what somebody changed there without asking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tasks.domain.model import ALIAS_CHALLENGER, ALIAS_CHAMPION, ALIAS_PREVIOUS

OURS = (ALIAS_PREVIOUS, ALIAS_CHAMPION, ALIAS_CHALLENGER)
"""In the order in which they are set: the way back stands before the champion moves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the ledger says about one model, as SHA-256; empty means none.

    `previous` is where a rollback would lead, `challenger` is what a person is being asked about. `settled` is
    true when the newest move of the champion was carried over to MLflow before: from then on nothing but a
    person can have changed the aliases.
    """

    champion: str
    previous: str = ""
    challenger: str = ""
    settled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What MLflow says: alias to version number, and version number to SHA-256 (empty when unknown).

    `live` maps each SHA-256 to the one version that stands for it; copies are left out.
    """

    aliases: Mapping[str, int]
    sha256: Mapping[int, str]
    live: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An alias that must change; `after` 0 takes it away, `before` 0 means that it was not there."""

    alias: str
    before: int
    after: int

    def __str__(self) -> str:
        return f"{self.alias}: {_number(self.before)} -> {_number(self.after)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """Moves that make MLflow agree, edits that the ledger knows nothing of, and versions that are not there.

    `missing` holds (alias, SHA-256) that cannot be shown before the version is registered again.
    """

    moves: tuple[Move, ...]
    out_of_band: tuple[str, ...]
    missing: tuple[tuple[str, str], ...]


def project(standing: Standing, shown: Shown) -> Projection:
    """How MLflow's aliases differ from the ledger.

    A champion alias that the ledger knows no champion for is reported and left alone: somebody may be serving
    from it. Aliases that are not ours are none of our business, unless they are ours in other letters.
    """
    wanted = {
        ALIAS_PREVIOUS: standing.previous,
        ALIAS_CHAMPION: standing.champion,
        ALIAS_CHALLENGER: standing.challenger,
    }
    moves, missing = [], []
    for alias in OURS:
        after = shown.live.get(wanted[alias], 0)
        if wanted[alias] and not after:
            missing.append((alias, wanted[alias]))
        elif _is_wrong(alias, wanted[alias], after, shown):
            moves.append(Move(alias=alias, before=shown.aliases.get(alias, 0), after=after))
    edits = (*_edits(standing, shown, wanted), *_lookalikes(shown))
    return Projection(moves=tuple(moves), out_of_band=edits, missing=tuple(missing))


def _is_wrong(alias: str, sha256: str, after: int, shown: Shown) -> bool:
    if alias == ALIAS_CHAMPION and not sha256:
        return False
    return shown.aliases.get(alias, 0) != after


def _edits(standing: Standing, shown: Shown, wanted: Mapping[str, str]) -> Iterator[str]:
    for alias in OURS:
        number = shown.aliases.get(alias, 0)
        found, expected = shown.sha256.get(number, ""), wanted[alias]
        if number and found and found == expected:
            continue
        stranger = bool(number) and found not in shown.live
        ours_alone = alias != ALIAS_CHALLENGER and standing.settled and bool(number or expected)
        unasked = alias == ALIAS_CHAMPION and bool(number) and not expected
        if stranger or ours_alone or unasked:
            yield (
                f"MLflow's {alias!r} is {_number(number)} ({found[:12] or 'unknown weights'}), "
                f"the ledger says {expected[:12] or 'none'}"
            )


def _lookalikes(shown: Shown) -> Iterator[str]:
    for alias, number in sorted(shown.aliases.items()):
        if alias not in OURS and alias.lower() in OURS:
            yield f"MLflow has {alias!r} at {_number(number)} beside our {alias.lower()!r}: which one is served?"


def _number(version: int) -> str:
    return f"v{version}" if version else "none"
