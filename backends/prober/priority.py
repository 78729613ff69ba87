"""The prober's place in the scheduler: before whatever computes on this host, where it may be."""

import os

from backends.domain.ab.run import Priority

LOWEST_REAL_TIME = 1
NICEST = -20


def raise_priority() -> Priority:
    """Let this process run as soon as a socket has something; return what was permitted.

    A server that computes on this host's CPU, or a console that draws, would otherwise keep a woken
    process waiting for milliseconds; segments that arrive meanwhile are merged by the kernel, and
    all but the last lose their stamp. The prober itself uses a few percent of a core. What it
    starts does not inherit this. Both steps are for root or CAP_SYS_NICE (sched(7)).
    """
    try:
        policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(LOWEST_REAL_TIME))
    except (OSError, AttributeError):
        pass
    else:
        return "real-time"
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICEST)
    except OSError:
        return "normal"
    return "nice"
