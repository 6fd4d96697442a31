"""What the ledger's tests are made of: a clock that obeys, and small true values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256

from tasks.adapters.ledger.records import WindowFacts
from tasks.adapters.ledger.store import Ledger
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.model import Kind, ModelRef
from tasks.domain.promotion import Approval, ApprovalState, Promotion, PromotionKind
from tasks.domain.snapshot import TableRef
from tasks.domain.verdict import Action, Cause, CauseKind, Verdict
from tasks.domain.window import Window

MODEL = "welds"
START = datetime(2026, 11, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class SetClock:
    """Shows the moment that a test sets, also an earlier one."""

    def __init__(self, moment: datetime = START + 2 * DAY) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def tick(self, step: timedelta) -> None:
        self.moment += step


def window(number: int = 0) -> Window:
    """The n-th hour of the test's day."""
    return Window(START + number * HOUR, START + (number + 1) * HOUR)


def content_hash(name: str) -> str:
    return sha256(name.encode()).hexdigest()


def reference(name: str, model: str = MODEL) -> ModelRef:
    digest = content_hash(name)
    return ModelRef(
        name=model,
        sha256=digest,
        uri=f"s3://bucket/{model}/evergreen/models/{digest}.pt",
        kind=Kind.DETECT,
        classes=("crack", "pore"),
        imgsz=640,
    )


def table(name: str = "catalog", rows: int = 7) -> TableRef:
    return TableRef(uri=f"s3://bucket/{name}.parquet", schema="catalog", rows=rows, digest=content_hash(name))


def finding(check: str = "psi", outcome: Outcome = Outcome.OK, value: float | None = 0.25) -> Finding:
    return Finding(
        check=check,
        subject="brightness",
        outcome=outcome,
        slice="camera=line-1",
        value=value,
        limit=0.2,
        unit="psi",
        n=240,
        effect=-0.1,
        note="why",
    )


def verdict(*findings: Finding, action: Action = Action.FIX_CAMERA, sentence: str = "line-1 is dark") -> Verdict:
    cause = Cause(kind=CauseKind.CAMERA, summary="dark", cameras=("line-1",), since=START, share=0.75)
    return Verdict(
        outcome=Outcome.worst(f.outcome for f in findings),
        action=action,
        sentence=sentence,
        causes=(cause,),
        reports=(Report(stage=Stage.DRIFT, findings=findings),),
    )


def facts(listed: int = 10, **quarantined: int) -> WindowFacts:
    return WindowFacts(
        listed=listed,
        accepted=listed - sum(quarantined.values()),
        quarantined=quarantined,
        catalog=table(),
        artifacts={"drift_page": "s3://bucket/page.html"},
        champion_sha256=content_hash("A"),
        reference_id=3,
        config_hash="c0ffee",
    )


def bootstrap(ledger: Ledger, name: str = "A") -> Promotion:
    """A version that became champion without a question, as the first one does."""
    ref = ledger.versions.add(reference(name), "bootstrap")
    return ledger.promotions.move(MODEL, PromotionKind.BOOTSTRAP, None, ref.sha256, "ops", "first")


def ask(ledger: Ledger, challenger: str, base: str = "A", expires_in: timedelta = DAY, note: str = "") -> Approval:
    """A pending request behind a passed gate."""
    ref = ledger.versions.add(reference(challenger), "retrain", content_hash(base), "d1")
    gate = ledger.gates.save(MODEL, ref.sha256, content_hash(base), Outcome.OK, {"gates": [], "note": note})
    expires_at = ledger.decisions._database.now() + expires_in
    return ledger.approvals.request(MODEL, ref.sha256, content_hash(base), gate, expires_at, f"run-{challenger}{note}")


def approve(ledger: Ledger, challenger: str, base: str = "A", note: str = "") -> Approval:
    request = ask(ledger, challenger, base, note=note)
    return ledger.approvals.decide(request.id, ApprovalState.APPROVED, "ada", "looks right")


def promote(ledger: Ledger, challenger: str, base: str = "A", note: str = "") -> Promotion:
    """Gate, question, answer and move in one."""
    approval = approve(ledger, challenger, base, note)
    to = content_hash(challenger)
    return ledger.promotions.move(MODEL, PromotionKind.PROMOTE, content_hash(base), to, "ada", "ok", approval.id)


def roll_back(ledger: Ledger, base: str, to: str) -> Promotion:
    source, target = content_hash(base), content_hash(to)
    return ledger.promotions.move(MODEL, PromotionKind.ROLLBACK, source, target, "ops", "it fails on line 2")
