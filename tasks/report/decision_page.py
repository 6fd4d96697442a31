"""The evidence for a promotion: champion and challenger side by side, gate by gate, image by image."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tasks.domain.evaluation import Comparison, Evaluation, Interval
from tasks.domain.finding import Outcome
from tasks.domain.model import ModelRef
from tasks.domain.notice import Fact, Link
from tasks.domain.wording import measure, one_line
from tasks.report.gallery import Exhibit
from tasks.report.markdown import bounded, escape, link, table
from tasks.report.rendering import render
from tasks.report.rows import Row, row_of, worst_first

MARKDOWN_LIMIT = 5_000
"""Characters of a version's description that MLflow takes."""

GATE_SIGN = {Outcome.OK: "passed", Outcome.BREACH: "not passed", Outcome.INCONCLUSIVE: "not decided"}

METRICS_LIMIT = 40

OPEN = 3
"""Pictures of gains, and as many of losses, that are shown at once; the others are folded away."""

MARKDOWN_ROWS = 14

FOREIGN = (
    "It was trained elsewhere: ask whoever brought it whether it has learnt from these images. If so, its numbers are "
    "too high."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionPage:
    """Everything that the page shows. `champion` is None for the first version of a model.

    `exhibits` are the examples of the comparison as pictures, gains first. `foreign`: the challenger was trained
    elsewhere, so that nobody here knows which images it has learnt from.
    """

    champion: ModelRef | None
    challenger: ModelRef
    comparison: Comparison
    gate_hash: str = ""
    foreign: bool = False
    exhibits: tuple[Exhibit, ...] = ()
    links: tuple[Link, ...] = ()
    made_of: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One number of both versions; ends of the intervals are nan where there is none.

    `axis` is the range of the small drawing: it holds both intervals.
    """

    dataset: str
    metric: str
    n: int
    champion: Interval | None
    challenger: Interval | None
    headline: bool

    @property
    def difference(self) -> str:
        """Challenger minus champion with its sign, `–` when one is missing."""
        if self.champion is None or self.challenger is None:
            return "–"
        change = self.challenger.value - self.champion.value
        return "–" if math.isnan(change) else f"{change:+.3f}"

    def at(self, value: float) -> float:
        """Where the value lies on the axis, in percent."""
        low, high = self._axis()
        return round(100 * (value - low) / (high - low), 1)

    def _axis(self) -> tuple[float, float]:
        ends = [end for each in (self.champion, self.challenger) if each for end in (each.value, each.low, each.high)]
        known = [end for end in ends if math.isfinite(end)]
        if not known:
            return 0.0, 1.0
        pad = max(0.02, (max(known) - min(known)) * 0.1)
        return min(known) - pad, max(known) + pad


def decision_page(page: DecisionPage) -> bytes:
    """The page as one self-contained HTML file."""
    scores = _scores(page.comparison)
    return render(
        "decision.html.j2",
        page=page,
        outcome=page.comparison.outcome,
        sentence=sentence(page),
        context=context(page),
        headlines=[score for score in scores if score.headline],
        scores=[score for score in scores if not score.headline][:METRICS_LIMIT],
        gates=worst_first(map(row_of, page.comparison.gates)),
        contrast=contrast_sentence(page),
        gains=[each for each in page.exhibits if each.gain > 0],
        losses=[each for each in page.exhibits if each.gain < 0],
        open=OPEN,
        text=interval_text,
        signs=GATE_SIGN,
    )


def decision_markdown(page: DecisionPage) -> str:
    """The same in Markdown without pictures, at most `MARKDOWN_LIMIT` characters."""
    scores = [score for score in _scores(page.comparison) if score.headline]
    gates = worst_first(map(row_of, page.comparison.gates))
    score_rows = (
        (s.dataset, s.metric, interval_text(s.champion), interval_text(s.challenger), s.difference, str(s.n))
        for s in scores[:MARKDOWN_ROWS]
    )
    blocks = [
        f"# {escape(str(page.challenger))}",
        f"{escape(sentence(page))} {escape(context(page))} {escape(contrast_sentence(page))}".rstrip(),
        "\n".join(table(("Set", "Metric", "Champion", "Challenger", "Difference", "Images"), score_rows)),
        "\n".join(
            table(("Gate", "Verdict", "Where", "Measured", "Limit", "n"), map(_gate_cells, gates[:MARKDOWN_ROWS]))
        ),
        " · ".join(link(each) for each in page.links),
        f"Gate report `{page.gate_hash[:64]}`" if page.gate_hash.isalnum() else "",
    ]
    return bounded([block for block in blocks if block], MARKDOWN_LIMIT)


def sentence(page: DecisionPage) -> str:
    """What the gates leave to a person, in one sentence."""
    closed = [gate for gate in page.comparison.gates if gate.outcome is not Outcome.OK]
    if page.comparison.outcome is Outcome.OK:
        return f"Every one of {len(page.comparison.gates)} gates is passed: a person may promote {page.challenger}."
    names = ", ".join(dict.fromkeys(one_line(f"{gate.check.replace('_', ' ')} {gate.subject}", 80) for gate in closed))
    return f"{page.challenger} may not be promoted: {names[:500] or 'no gate was judged'}."


def context(page: DecisionPage) -> str:
    """What it was compared with, and how often the two answer alike."""
    against = f"Compared with {page.champion}, the champion." if page.champion else "There is no champion yet."
    agreement = page.comparison.agreement
    alike = "" if agreement is None else f" The two agree on {agreement:.0%} of the unlabelled images."
    return f"{against}{alike} {FOREIGN}" if page.foreign else f"{against}{alike}"


def contrast_sentence(page: DecisionPage) -> str:
    """On how many recent images the challenger scores higher and lower; empty when none was compared."""
    seen = page.comparison.contrast
    if not seen.n:
        return ""
    return (
        f"Of {seen.n} recent labelled images the challenger is better on {seen.better}, worse on {seen.worse} "
        f"and scores alike on {seen.alike}."
    )


def interval_text(interval: Interval | None) -> str:
    """`0.812 [0.781, 0.840]`, without brackets when there is no interval.

    >>> interval_text(Interval(value=0.5, low=0.4, high=0.6)), interval_text(None)
    ('0.500 [0.400, 0.600]', '–')
    """
    if interval is None or math.isnan(interval.value):
        return "–"
    if math.isnan(interval.low) or math.isnan(interval.high):
        return f"{interval.value:.3f}"
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _scores(comparison: Comparison) -> list[Score]:
    by_set: dict[str, dict[str, Evaluation]] = {}
    for evaluation in comparison.evaluations:
        by_set.setdefault(evaluation.dataset, {})[evaluation.model_sha256] = evaluation
    found: list[Score] = []
    for dataset, both in by_set.items():
        champion, challenger = both.get(comparison.champion_sha256), both.get(comparison.challenger_sha256)
        found += _set_scores(dataset, champion, challenger)
    return found


def _set_scores(dataset: str, champion: Evaluation | None, challenger: Evaluation | None) -> Iterable[Score]:
    known = [each for each in (champion, challenger) if each is not None]
    n = min(each.n for each in known)
    metric = known[0].metric
    yield Score(
        dataset=dataset,
        metric=metric,
        n=n,
        champion=champion.headline if champion else None,
        challenger=challenger.headline if challenger else None,
        headline=True,
    )
    names = dict.fromkeys(name for each in known for name in each.metrics if name != metric)
    for name in names:
        yield Score(
            dataset=dataset,
            metric=name,
            n=n,
            champion=_point(champion, name),
            challenger=_point(challenger, name),
            headline=False,
        )


def _point(evaluation: Evaluation | None, metric: str) -> Interval | None:
    if evaluation is None or metric not in evaluation.metrics:
        return None
    return Interval(value=evaluation.metrics[metric], low=math.nan, high=math.nan)


def _gate_cells(row: Row) -> tuple[str, ...]:
    return (row.what, GATE_SIGN[row.outcome], row.where, row.measured, row.limit or measure(None), str(row.n))
