"""An emulator of the Proxy-Seller API v1 on loopback, with faults on request. What it does not do: `limits.md`.

Standard library only, and nothing else of `runner`: it shares no code, and so no mistake, with the client it tests.
"""

from runner.sandbox.box import Sandbox
from runner.sandbox.faults import KINDS, Fault, FaultKind, parse_fault
from runner.sandbox.journal import StateFileError
from runner.sandbox.memory import Extension, LoggedRequest, Sale
from runner.sandbox.options import SANDBOX_KEY, Options
from runner.sandbox.server import SandboxServer

__all__ = [
    "KINDS",
    "SANDBOX_KEY",
    "Extension",
    "Fault",
    "FaultKind",
    "LoggedRequest",
    "Options",
    "Sale",
    "Sandbox",
    "SandboxServer",
    "StateFileError",
    "parse_fault",
]
