"""For all tests: the signals a terminal would give."""

import signal

for _number in (signal.SIGINT, signal.SIGHUP):
    # A background job or `nohup` starts deaf to these, and hands that down to the commands under test.
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number is signal.SIGINT else signal.SIG_DFL)
