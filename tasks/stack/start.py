"""Start the stack, or what is missing of it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tasks.domain.errors import Permanent
from tasks.stack import ports, processes
from tasks.stack import state as remembered
from tasks.stack.home import Home, addresses, project
from tasks.stack.lock import lock, ports_taken
from tasks.stack.plan import PLAN
from tasks.stack.service import Service, Site, Step, process_environment
from tasks.stack.status import Status, status
from tasks.stack.stop import Say, stop_services


class StackFailed(Permanent):
    """A process did not start or did not become healthy; the message ends with the last lines of its log."""


@dataclass(slots=True, kw_only=True)
class Start:
    """One `up` in progress: what was started by it, and what is known to be ready."""

    site: Site
    plan: Sequence[Service | Step]
    say: Say
    started: list[str] = field(default_factory=list)
    ready: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Start what is missing from top to bottom, then wait until all of it is healthy."""
        for entry in self.plan:
            for name in entry.after:
                self.await_ready(name)
            if isinstance(entry, Step):
                self.perform(entry)
            else:
                self.launch(entry)
        for entry in self.plan:
            self.await_ready(entry.name)

    def perform(self, step: Step) -> None:
        """Do a step once."""
        if sentence := step.act(self.site):
            self.say(sentence)
        self.ready.add(step.name)

    def launch(self, service: Service) -> None:
        """Start a service unless it runs with today's command and variables."""
        state = remembered.read(self.site.home.state_file)
        known, launch = state.processes.get(service.name), service.launch(self.site)
        if known is not None and processes.alive(known):
            if known.launch == launch:
                return
            self.say(f"{service.name} runs with old settings: restarting it")
            processes.stop([known], signal.SIGTERM, service.grace)
        environment = process_environment(self.site, service.name, service.environment(self.site))
        log = self.site.home.log(service.name)
        command = service.command(self.site)
        self.say(f"starting {service.name}")
        identity = processes.start(command, environment, service.folder(self.site), log, launch)
        self.started.append(service.name)
        remembered.write(self.site.home.state_file, state.with_process(service.name, identity))

    def await_ready(self, name: str) -> None:
        """Wait until a service is healthy.

        Raises:
            StackFailed: it ended, or was not healthy in time.
        """
        service = next((entry for entry in self.plan if entry.name == name), None)
        if name in self.ready or not isinstance(service, Service):
            return
        identity = remembered.read(self.site.home.state_file).processes[name]
        deadline = time.monotonic() + service.patience
        while ailment := service.ailment(self.site, identity.created):
            self.check_alive(name)
            if time.monotonic() > deadline:
                raise self.failure(name, f"was not healthy after {service.patience:g} s ({ailment})")
            time.sleep(0.2)
        if name in self.started:
            self.say(" ".join(filter(None, (name, "is healthy", service.url(self.site)))))
        self.ready.add(name)

    def check_alive(self, awaited: str) -> None:
        """Give up as soon as a started process has ended, be it the awaited one or another.

        Raises:
            StackFailed: it has.
        """
        known = remembered.read(self.site.home.state_file).processes
        for name in (awaited, *self.started):
            if not processes.alive(known[name]):
                raise self.failure(name, "ended by itself")

    def failure(self, name: str, what: str) -> StackFailed:
        """The error with the last lines of the culprit's log."""
        log = self.site.home.log(name)
        last = "\n".join(processes.tail(log, 20))
        return StackFailed(f"{name} {what}; the end of {log}:\n{last[-1_500:]}")


def up(home: Home, say: Say, plan: Sequence[Service | Step] = PLAN) -> list[Status]:
    """Start what is missing and wait until everything is healthy; what runs already is left alone.

    Raises:
        StackFailed: something did not become healthy; whatever this call had started was stopped again.
        ConfigError: a port is busy, a program is missing, or another command is at work on this stack.
    """
    home.create()
    with lock(home.lock_file), ports_taken(say):
        start = Start(site=_prepare(home, plan), plan=plan, say=say)
        done = False
        try:
            start.run()
            done = True
        finally:
            if not done:
                _undo(start)
        if not start.started:
            say("the stack is already up")
        return status(home, plan)


def _prepare(home: Home, plan: Sequence[Service | Step]) -> Site:
    state = remembered.read(home.state_file)
    running = {name for name, identity in state.processes.items() if processes.alive(identity)}
    # children that outlived their parent would hold its ports
    processes.sweep(state.token, {entry.name for entry in plan} - running)
    chosen = ports.choose(state.ports, ports.overrides(os.environ), running)
    remembered.write(home.state_file, replace(state, ports=chosen))
    variables = home.remember(addresses(home, chosen))
    return Site(home=home, project=project(), ports=chosen, token=state.token, variables=variables)


def _undo(start: Start) -> None:
    ours = [entry for entry in start.plan if isinstance(entry, Service) and entry.name in start.started]
    if ours:
        start.say(f"stopping what was started: {', '.join(entry.name for entry in ours)}")
    stop_services(start.site, ours)
