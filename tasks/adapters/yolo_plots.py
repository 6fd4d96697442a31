"""Pictures of a training, as PNG bytes."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

MAX_PANELS = 9


def curves_png(curves: Sequence[Mapping[str, float]]) -> bytes:
    """One small panel per loss and metric over the epochs; learning rates are left out.

    No epoch at all gives an empty figure.
    """
    from matplotlib.figure import Figure

    names = [name for name in (curves[0] if curves else {}) if name != "epoch" and not name.startswith("lr/")]
    names = names[:MAX_PANELS]
    figure = Figure(figsize=(9, 2.2 * max(1, -(-len(names) // 3))), layout="constrained")
    for place, name in enumerate(names, start=1):
        panel = figure.add_subplot(-(-len(names) // 3), 3, place)
        panel.plot([point["epoch"] for point in curves], [point.get(name, float("nan")) for point in curves])
        panel.set_title(name.replace("$", ""), fontsize=8)
        panel.tick_params(labelsize=7)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
