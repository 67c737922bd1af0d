"""One check for each call of a client, in the order in which they are written down, and what became of them."""

import asyncio
import inspect
import os
import re
import subprocess
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


def guide():
    """The guide's program as a check of its own: it runs against this chain, and prints what the guide says."""

    @check("the program in python that the guide has")
    def _():
        with open(os.environ["BALLAST_TEST_GUIDE"], encoding="utf-8") as file:
            found = re.search(r"^```python\n(.*?)^```\n\n```text\n(.*?)\n```$", file.read(), re.M | re.S)
        assert found, "the guide has no block python that a block of what it prints follows"
        program, prints = found.groups()
        for standing, variable in [("127.0.0.1:9090", "GRPC"), ("http://127.0.0.1:1317", "REST")]:
            assert standing in program, f"the program does not go to {standing}"
            program = program.replace(standing, os.environ[f"BALLAST_TEST_{variable}"])
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
        assert ran.returncode == 0, ran.stderr
        wanted = ".*".join(map(re.escape, prints.split("...")))
        assert re.fullmatch(wanted, ran.stdout.rstrip()), ran.stdout


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
