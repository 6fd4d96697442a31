"""The rules about a very large window, asked of it piece by piece: what was counted is added up, nothing is sampled.

What only the whole window can tell (was an image answered, did the same bytes come from two cameras) is found out
before, from 64 bits of each name. Keys and image ids are unique in what ingestion writes: a repeat within a piece is
found, and none is made between pieces.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.domain.expectation import Answer
from tasks.domain.few import numbers
from tasks.domain.tables_catalog import CHANCE, DRAWN, drawn_chances
from tasks.quality.frames import telling

PIECE = 50_000
"""Objects, and answers, that are looked at together."""

MOST_EXAMPLES = 20

Numbers = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """64 bits of every answered image's id, and of every hash that came from two cameras, both in order."""

    answered: Numbers
    crossed: Numbers

    @staticmethod
    def of(catalog: Iterable[pa.RecordBatch], predictions: Iterable[pa.RecordBatch]) -> Whole:
        """From the columns `sha256`, `camera` and `note` of a catalog, and `image_id` of predictions."""
        ids = [numbers(piece["image_id"].to_pylist()) for piece in predictions]
        return Whole(answered=np.unique(np.concatenate([_NONE, *ids])), crossed=_crossed(catalog))

    def among(self, piece: pa.Table) -> tuple[pa.Array, pa.Array]:
        """The answered image ids of a piece of the catalog, and its hashes that came from two cameras."""
        ids, hashes = (piece[name].combine_chunks().drop_null().unique() for name in ("image_id", "sha256"))
        return _those(ids, self.answered), _those(hashes, self.crossed)


def drawn(pieces: Iterable[pa.Table], chance: float, told: bool = True) -> Iterator[pa.Table]:
    """A fixed sample of a window's rows by image id, the same images of catalog and answers.

    Each row knows its chance, unless it is not to be `told`.
    """
    for piece in pieces:
        names = numbers((name or "" for name in piece["image_id"].to_pylist()), b"evergreen schema")
        rows = piece.filter(pa.array(names / 2.0**64 < chance))
        if not told:
            yield rows
            continue
        both = ((CHANCE, pc.fill_null(rows[CHANCE], 1.0).to_numpy()), (DRAWN, drawn_chances(rows)))
        for name, given in both:
            place = rows.column_names.index(name)
            rows = rows.set_column(place, rows.schema.field(place), pa.array(given * chance))
        yield rows


_NONE: Numbers = np.zeros(0, np.uint64)


def _those(names: pa.Array, known: Numbers) -> pa.Array:
    return names.filter(pa.array(np.isin(numbers(names.to_pylist()), known)))


def _crossed(catalog: Iterable[pa.RecordBatch]) -> Numbers:
    codes: dict[str | None, int] = {}
    hashes, cameras = [_NONE], [np.zeros(0, np.int64)]
    for piece in catalog:
        rows = piece.filter(telling(piece))
        hashes.append(numbers(rows["sha256"].to_pylist()))
        names = rows["camera"].to_pylist()
        cameras.append(np.array([codes.setdefault(name, len(codes)) for name in names], np.int64))
    each, camera = np.concatenate(hashes), np.concatenate(cameras)
    order = np.lexsort((camera, each))
    each, camera = each[order], camera[order]
    other = (each[1:] == each[:-1]) & (camera[1:] != camera[:-1])
    return np.unique(each[1:][other])


def together(pieces: Iterator[Sequence[Answer]]) -> tuple[Answer, ...]:
    """One answer for each expectation that was asked of any piece, in the order in which they were first asked."""
    found: dict[object, Answer] = {}
    for answers in pieces:
        for answer in answers:
            asked = answer.expectation
            key = (asked.name, asked.rule, asked.table, asked.column)
            found[key] = _both(found[key], answer) if key in found else answer
    return tuple(_settled(answer) for answer in found.values())


def _both(one: Answer, other: Answer) -> Answer:
    return replace(
        one,
        rows=one.rows + other.rows,
        evaluated=one.evaluated + other.evaluated,
        unexpected=one.unexpected + other.unexpected,
        examples=(*one.examples, *other.examples)[:MOST_EXAMPLES],
        observed=_observed(one, other),
        success=one.success and other.success,
        error=one.error or other.error,
        worth=_worth(one) + _worth(other),
    )


def _worth(answer: Answer) -> float:
    return answer.evaluated if answer.worth is None else answer.worth


def _observed(one: Answer, other: Answer) -> float | None:
    """The number that both pieces show together: rows are added, means weighed, of others the smaller one counts."""
    if one.observed is None or other.observed is None:
        return one.observed if other.observed is None else other.observed
    rule = one.expectation.rule
    if "TableRowCount" in rule:
        return one.observed + other.observed
    if "ColumnMean" in rule:
        rows = one.evaluated + other.evaluated
        return (one.observed * one.evaluated + other.observed * other.evaluated) / max(rows, 1)
    return min(one.observed, other.observed)


def _settled(answer: Answer) -> Answer:
    """Whether all pieces together keep the rule: a share is of all rows, whatever single pieces show."""
    if answer.error:
        return replace(answer, success=False)
    if answer.observed is not None:
        low, high = (answer.expectation.parameters.get(name) for name in ("min_value", "max_value"))
        enough = not isinstance(low, int | float) or answer.observed >= low
        return replace(answer, success=enough and (not isinstance(high, int | float) or answer.observed <= high))
    allowed = (1 - answer.expectation.mostly) * answer.evaluated + 1e-9
    return replace(answer, success=answer.success or 0 < answer.unexpected <= allowed)
