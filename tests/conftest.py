"""For all tests: the surroundings of a developer's desk, whatever machine this is."""

import os
import signal

from hypothesis import HealthCheck, settings

from runner.core.ci import SYSTEMS

_MARKS = {mark.partition("=")[0] for system in SYSTEMS for mark in system.marks} | {"CONTINUOUS_INTEGRATION"}
for _name in [name for name in os.environ if name.startswith(("CI", "GITHUB_", "GITLAB_", "JENKINS_", "BUILD_"))]:
    del os.environ[_name]  # some defaults are other ones in CI, on purpose; tests that mean those set them
for _name in _MARKS & set(os.environ):
    del os.environ[_name]
for _name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
    os.environ.pop(_name, None)

for _number in (signal.SIGINT, signal.SIGHUP):
    # A background job or `nohup` starts deaf to these, and hands that down to the commands under test.
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number is signal.SIGINT else signal.SIG_DFL)

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")  # one that is busy is no fault of the code's
