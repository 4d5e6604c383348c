"""`runner.core.errors`, under the name that programs import."""

from runner.core.errors import *  # noqa: F403 - a door
