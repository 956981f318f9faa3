"""Starts coverage.py in every process of a test environment, if COVERAGE_PROCESS_START asks for it.

Python does not trace what runs in audit hooks and in callbacks of sys.monitoring, which is where much of the collector
does its work. Here they are traced all the same. The tracer is the one in C: sys.monitoring is the collector's own.
"""

import functools
import sys
import threading
from types import FunctionType

import coverage


def _trace_audit_hooks():
    add = sys.addaudithook

    def addaudithook(hook):
        # Not wrapped in anything: the hook looks at the frames below its own. It has no globals to say whose it is.
        if isinstance(hook, FunctionType) and "winnow_collector" in hook.__code__.co_filename:
            hook.__cantrace__ = True
        add(hook)

    sys.addaudithook = addaudithook


def _trace_monitoring():
    monitoring = sys.monitoring
    register = monitoring.register_callback
    running = threading.local()

    def register_callback(tool, event, callback):
        if callback is None or not (getattr(callback, "__module__", None) or "").startswith("winnow_collector"):
            return register(tool, event, callback)

        @functools.wraps(callback)
        def traced(*args):
            # With tracing on, the callback's own code is monitored too.
            if getattr(running, "now", False):
                return monitoring.DISABLE
            running.now = True
            try:
                return sys.call_tracing(callback, args)
            finally:
                running.now = False

        return register(tool, event, traced)

    monitoring.register_callback = register_callback


coverage.process_startup()
_trace_audit_hooks()
if hasattr(sys, "monitoring"):
    _trace_monitoring()
