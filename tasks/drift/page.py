"""What the drift page shows of a sample: one column a property, one row a distinct scene."""

from __future__ import annotations

import pyarrow as pa

from tasks.drift.sample import Sample

COLUMNS = 24
"""More would make the page larger than 5 MB; classes come last."""


def columns(sample: Sample) -> pa.Table:
    """Camera, light, focus, answers and classes of every scene."""
    numbers = sample.photometric.scalars | sample.answers.scalars | sample.answers.rates
    chosen = dict(list(numbers.items())[: COLUMNS - 1])
    return pa.table(
        {"camera": pa.array(sample.cameras.tolist(), pa.string()), **{k: pa.array(v) for k, v in chosen.items()}}
    )
