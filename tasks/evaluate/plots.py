"""Pictures of an evaluation as PNG bytes: who is taken for whom, and precision against recall."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tasks.domain.prediction import Ints
from tasks.domain.scoring.detection import DetectionScores, precision_recall
from tasks.domain.scoring.scored import Scored
from tasks.domain.scoring.taxonomy import confusion

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_CLASSES = 30
"""Classes that a picture can still tell apart."""


def plots(scored: Scored) -> dict[str, bytes]:
    """File name -> PNG: who is taken for whom, and for boxes precision over recall; {} without images."""
    if not scored.n:
        return {}
    if isinstance(scored, DetectionScores):
        counts = np.rint(confusion(scored).T).astype(np.int64)  # rows the truth, as for classify
        matrix = confusion_png(counts, (*scored.classes, "background"))
        return {"precision_recall.png": precision_recall_png(scored), "confusion.png": matrix}
    return {"confusion.png": confusion_png(scored.confusion(), scored.classes)}


def confusion_png(matrix: Ints, classes: Sequence[str]) -> bytes:
    """(c, c) counts, rows the truth, columns the answer; colours are shares of a row, numbers are counts."""
    figure = _figure()
    panel = figure.add_subplot()
    shown, names = matrix[:MAX_CLASSES, :MAX_CLASSES], [name.replace("$", "") for name in classes[:MAX_CLASSES]]
    panel.imshow(shown / np.maximum(shown.sum(1, keepdims=True), 1), cmap="Greens", vmin=0, vmax=1)
    panel.set(xlabel="answer", ylabel="truth")
    panel.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    panel.set_yticks(range(len(names)), names, fontsize=7)
    for (row, column), count in np.ndenumerate(shown):
        panel.text(column, row, str(count), ha="center", va="center", fontsize=7)
    return _png(figure)


def precision_recall_png(scored: DetectionScores) -> bytes:
    """One curve per class at IoU 0.5; a class without a labelled object has none."""
    figure = _figure()
    panel = figure.add_subplot()
    panel.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    for label, name in enumerate(scored.classes[:MAX_CLASSES]):
        recall, precision = precision_recall(scored, label)
        if len(recall):
            panel.plot(recall, precision, label=name.replace("$", ""))
    if panel.lines:
        panel.legend(fontsize=7)
    return _png(figure)


def _figure() -> Figure:
    from matplotlib.figure import Figure as MatplotlibFigure

    return MatplotlibFigure(figsize=(6, 5), layout="constrained")


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
