"""`runner.core.progress`, under the name that programs import."""

from runner.core.progress import *  # noqa: F403 - a door
