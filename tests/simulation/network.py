"""A model of the network, in the place of `vendors.transport`: connections that fail, freeze, and go stale."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from runner.core.errors import VendorUnavailable
from runner.core.identity import Identity
from runner.core.secrets import ApiKey
from runner.core.vendor import NotSent
from runner.vendors.failures import Lost
from runner.vendors.wire import Begin, Request, Response
from tests.simulation.points import LOOKING
from tests.streaming import streamed

if TYPE_CHECKING:
    from tests.simulation.process import Process

IDLE: Final = 120.0
"""Seconds after which the vendor's edge closes a connection on which nothing came."""


IDENTITY: Final = Identity(address="vendor.example", key=ApiKey("simulated-key"))
"""Whose account all of a world's runs buy on."""


class Line:
    """One connection."""

    reconnects = False
    """A mutant's switch: a stale connection is made anew where it should have been the end of the attempt."""

    def __init__(self, process: Process, opened: float) -> None:
        self._process = process
        self._opened = opened
        self._is_used = False
        self.is_closed = False

    def slow_down(self) -> None:
        """No rate is kept here."""

    def exchange(self, request: Request, guard: Callable[[], str | None]) -> Response | NotSent | Lost:
        process, world = self._process, self._process.world
        reason = guard()
        if reason is not None:
            world.counts["guard said no"] += 1
            return NotSent(reason=reason)
        process.at("written")  # between the guard and the first byte
        process.breathe()
        process.own.is_past_guard = False
        if self._is_stale() and not Line.reconnects:
            world.counts["connection was stale"] += 1
            return world.rng.choice((NotSent(reason="closed by the vendor"), Lost(reason="reset")))
        if self._is_used:
            world.against("I13: two purchases were written on one connection")
        self._is_used = True
        world.written(process, request)
        answer = world.vendor.make(request, process.flights.run)
        process.flights.answered()
        process.at("answered")
        process.breathe()
        world.vendor.is_heard(request, process.flights.run)
        return Lost(reason="the connection was reset") if self.is_closed else answer

    def _is_stale(self) -> bool:
        return self.is_closed or self._process.world.clock.monotonic() - self._opened > IDLE


class Transport:
    """What `V1Buyer` stands on."""

    base_url = "https://vendor.example/***"
    identity = IDENTITY

    def __init__(self, process: Process) -> None:
        self._process = process

    def read(self, request: Request) -> Response:
        self._process.breathe()
        if self._process.looks:
            self._process.at(LOOKING)
        world = self._process.world
        world.clock.advance(world.rng.uniform(0.01, 2))
        if world.vendor.faults and world.rng.random() < world.vendor.read_fault_rate / 4:
            world.counts["read unreachable"] += 1
            raise VendorUnavailable("no connection")
        if request.path.startswith("proxy/list"):
            world.forgetting.listed(self._process, request.path.rpartition("/")[2])
        return world.vendor.read(request)

    def slow_down(self) -> bool:
        return False

    def stream(self, request: Request, begin: Begin) -> Response:
        return streamed(self.read(request))(begin)

    @contextmanager
    def connect(self) -> Iterator[Any]:
        process, world = self._process, self._process.world
        process.breathe()
        with process.flights.turn():
            world.clock.advance(world.rng.uniform(0.01, 1))
            if world.vendor.faults and world.rng.random() < 0.05:
                world.counts["connection refused"] += 1
                yield NotSent(reason="connection refused")
                return
            line = Line(process, world.clock.monotonic())
            process.flights.lines.append(line)
            try:
                yield line
            finally:
                process.flights.lines.remove(line)
