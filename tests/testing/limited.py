"""Runs command lines of kubeinfer-sim in processes of their own, each with limits on processor time and memory.

    python limited.py SECONDS MEGABYTES < commands.json

Reads a JSON list of [folder, [arguments…]] and writes one of what became of each: exit code (negative: the signal that
ended it), seconds of processor time, peak memory in MB, what it wrote. A run that never ends is killed at its limit.
One process imports the package, and a copy of it runs each command.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import resource
import sys
import tempfile
from pathlib import Path

import kubeinfer_sim
from kubeinfer_sim.cli.main import run


def main() -> None:
    # Commands import what they need when they are called; here all of them would do so again.
    for module in pkgutil.walk_packages(kubeinfer_sim.__path__, "kubeinfer_sim."):
        if not module.name.endswith("__main__") and not module.name.startswith("kubeinfer_sim.testing"):
            importlib.import_module(module.name)
    seconds, megabytes = map(int, sys.argv[1:])
    done = [limited(folder, words, seconds, megabytes) for folder, words in json.load(sys.stdin)]
    json.dump(done, sys.stdout)


def limited(folder: str, words: list[str], seconds: int, megabytes: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as written:
        paths = [Path(written, name) for name in ("out", "err")]
        child = os.fork()
        if not child:
            os._exit(_command(folder, words, paths, seconds, megabytes))
        _, status, used = os.wait4(child, 0)
        out, err = (path.read_text("utf-8", "replace") if path.exists() else "" for path in paths)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "seconds": used.ru_utime + used.ru_stime,
        "megabytes": used.ru_maxrss // 1024,
        "out": out,
        "err": err,
    }


def _command(folder: str, words: list[str], paths: list[Path], seconds: int, megabytes: int) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    os.chdir(folder)
    os.environ["COLUMNS"] = "80"
    with paths[0].open("w", encoding="utf-8") as out, paths[1].open("w", encoding="utf-8") as err:
        sys.stdout, sys.stderr = out, err
        try:
            return run(words)
        except BaseException as error:  # a traceback is what is looked for
            print(f"{type(error).__name__}: {error}", file=err)
            return 99


if __name__ == "__main__":
    main()
