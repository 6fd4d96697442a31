"""One model after the other: what fails for one is told at the end, and no other model waits for it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from prefect.client.schemas.objects import State
from prefect.states import Failed

from tasks.domain.errors import EvergreenError, Transient, UnsafeModel

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A model for which the work could not be done, and why."""

    model: str
    error: EvergreenError


def of_each(names: Iterable[str], work: Callable[[str], Answer]) -> tuple[list[Answer], list[Fault]]:
    """The answers of all models that gave one, and the faults of the others.

    An error that is none of ours is a mistake in the program: it goes up at once.
    """
    answers: list[Answer] = []
    faults: list[Fault] = []
    for name in names:
        try:
            answers.append(work(name))
        except EvergreenError as error:
            log.exception("%s failed, the other models go on", name)
            faults.append(Fault(model=name, error=error))
    return answers, faults


def failed(faults: Sequence[Fault], name: str, undone: str) -> State:
    """The failed state that names every model with its reason; `undone` says what did not happen to it.

    Raises:
        Transient: one of the faults is an outage: the whole run may be tried again, what is done stays done.
    """
    for fault in faults:
        if isinstance(fault.error, Transient):
            raise fault.error
    refused = any(isinstance(fault.error, UnsafeModel) for fault in faults)
    told = "; ".join(f"{fault.model} {undone}: {fault.error}" for fault in faults)
    return Failed(name="WeightsRefused" if refused else name, message=told)
