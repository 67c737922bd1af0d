"""One check for each call of a client, in the order in which they are written down, and what became of them."""

import asyncio
import inspect
import os
import sys
import time
import traceback

_checks = []


def _listed(name, state, note):
    def register(body):
        _checks.append((name, state, note, body))
        return body

    return register


def works(name):
    """A call that answers as it does on the dYdX chain."""
    return _listed(name, "works", "")


def differs(name, note):
    """A call that succeeds, with an answer of which `note` says how it is another one."""
    return _listed(name, "differs", note)


def absent(name, note):
    """A call that is refused; the body checks with what."""
    return _listed(name, "not here", note)


def check(sentence):
    """Something that is no call, such as a refusal."""
    return _listed(sentence, None, "")


def eventually(read, good, seconds=15):
    """What `read` answers as soon as `good` accepts it; the last answer when it does not in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = read()
        if good(answer) or time.monotonic() > deadline:
            return answer
        time.sleep(0.1)


async def _all():
    failed = 0
    calls = []
    for name, state, note, body in _checks:
        shown = f"{name}: {state}" if state not in (None, "works") else name
        try:
            result = body()
            if inspect.isawaitable(result):
                await result
        except Exception:
            failed += 1
            print(f"failed {shown}\n{traceback.format_exc()}", flush=True)
            continue
        print(f"passed {shown}", flush=True)
        if state:
            calls.append(f"{name}|{state}|{note}\n")
    if path := os.environ.get("BALLAST_TEST_CALLS"):
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(calls)
    return len(_checks) - failed, failed


def run():
    """Runs them all, says how many passed, and ends the process."""
    passed, failed = asyncio.run(_all())
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)
