"""The promote flow on a real Prefect: it suspends for the question, and starts again from the top after the answer."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SCRIPT = """
import json
from dataclasses import replace
from datetime import UTC, datetime

from prefect.client.orchestration import get_client
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.states import Pending

import flows.promote as flow
import tasks.promote.task as stage
from tasks.domain.promotion import Approval, ApprovalState
from tasks.promote.reconcile import ReconcileReport

projections = []

def reconcile(ledger, registry, model):
    projections.append(model)
    if len(projections) == 1:
        raise RuntimeError("killed half way")
    return ReconcileReport()

now = datetime.now(UTC)
request = Approval(id=7, model="m", challenger_sha256="b", base_sha256="a", gate_hash="g",
                   state=ApprovalState.PENDING, requested_at=now, expires_at=now)
stage.reconcile, stage.ledger, stage.registry = reconcile, dict, dict
flow.ask = lambda *asked: request
flow.record_answer = lambda asked, answer, rules: replace(asked, state=ApprovalState.REJECTED, approver=answer.approver)
flow.decision_markdown, flow.refusals = (lambda gate: "evidence"), (lambda asked: 0)

parameters = {"model": "m", "challenger_sha256": "b", "gate_hash": "g"}
with get_client(sync_client=True) as client:
    deployment = client.create_deployment(client.create_flow(flow.promote), "asks")  # only such runs can suspend
    run = client.create_flow_run_from_deployment(deployment, parameters=parameters)

    def start():
        try:
            known = client.read_flow_run(run.id)
            run_flow(flow.promote, flow_run=known, parameters=parameters, return_type="state")
        except Pause:
            pass  # here the process would end
        return [client.read_flow_run(run.id).state.name, len(projections)]

    seen = [start()]
    client.set_flow_run_state(run.id, Pending(), force=True)
    seen.append(start())
    client.resume_flow_run(run.id, run_input={"decision": "reject", "approver": "Ada", "reason": ""})
    seen.append(start())
print(json.dumps(seen))
"""


def test_mlflow_is_projected_once_before_the_question_however_often_the_run_starts(
    prefect_variables: dict[str, str],
) -> None:
    words = [sys.executable, "-c", SCRIPT]
    run = subprocess.run(words, capture_output=True, text=True, check=False, env=prefect_variables)
    assert run.returncode == 0, run.stderr[-3000:]
    killed, asked, answered = json.loads(run.stdout.splitlines()[-1])
    assert killed == ["Failed", 1]
    assert asked == ["Suspended", 2]
    assert answered == ["Rejected", 3]  # only the projection after the answer
