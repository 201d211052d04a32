"""Headless Chromium, spoken to over two pipes in its DevTools protocol (--remote-debugging-pipe): no library is needed."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: Debian's name of it, and others'.
NAMES = ("chromium", "chromium-browser", "google-chrome")
#: A phone and a screen, light and dark.
SIZES = [(width, dark) for width in (380, 1400) for dark in (False, True)]
#: Seconds one answer may take; a machine may be busy.
PATIENCE = 60


def chromium() -> str | None:
    """Where it is; None: it is not installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Page:
    """A page in a tab of its own: what it complained of and asked for, and what is done with it."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        target = browser.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = browser.call("Target.attachToTarget", {"targetId": target, "flatten": True})
        self._target, self._session = target, attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._browser.call(method, params or {}, self._session)

    def seen(self, event: str) -> list[dict[str, Any]]:
        """The events of a kind so far."""
        return [
            each["params"]
            for each in self._browser.events
            if each.get("sessionId") == self._session and each["method"] == event
        ]

    @property
    def complaints(self) -> list[str]:
        """Errors and warnings on the console, exceptions, what the policy of the page forbade."""
        told = [
            str(each["args"])
            for each in self.seen("Runtime.consoleAPICalled")
            if each["type"] in ("error", "warning", "assert")
        ]
        told += [str(each["exceptionDetails"]) for each in self.seen("Runtime.exceptionThrown")]
        return told + [
            str(each["entry"])
            for each in self.seen("Log.entryAdded")
            if each["entry"]["level"] in ("error", "warning")
        ]

    @property
    def requests(self) -> list[str]:
        """All it asked for."""
        return [each["request"]["url"] for each in self.seen("Network.requestWillBeSent")]

    def looks(self, width: int = 1400, height: int = 900, dark: bool = False) -> None:
        """Be a screen, or a phone, of this size, light or dark."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", {"features": [scheme]})
        phone = width < 600
        self.call(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone},
        )

    def opens(self, file: Path, width: int = 1400, height: int = 900, dark: bool = False) -> None:
        """Open a file and wait until its pictures are drawn."""
        self.looks(width, height, dark)
        self.call("Page.navigate", {"url": file.resolve().as_uri()})
        self.until(
            "document.readyState === 'complete' && document.documentElement.dataset.drawn !== undefined"
        )

    def until(self, condition: str) -> None:
        """Wait until it holds."""
        end = time.monotonic() + PATIENCE
        while not self.says(condition):
            assert time.monotonic() < end, (condition, self.complaints)
            time.sleep(0.02)

    def says(self, expression: str) -> Any:
        """The value of an expression."""
        answer = self.call(
            "Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True}
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def presses(self, key: str) -> None:
        """Press a key and let it go."""
        codes = {"Tab": 9, "Enter": 13, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
        event = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", {"type": "keyDown", **event, **text})
        self.call("Input.dispatchKeyEvent", {"type": "keyUp", **event})

    def points_at(self, x: float, y: float) -> None:
        """Move the mouse there."""
        self.call("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x - 1, "y": y})
        self.call("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x, "y": y})

    def shot(self, file: Path) -> None:
        """A picture of the whole page."""
        data = self.call("Page.captureScreenshot", {"captureBeyondViewport": True, "format": "png"})["data"]
        file.write_bytes(base64.b64decode(data))

    def closes(self) -> None:
        self._browser.call("Target.closeTarget", {"targetId": self._target})


class Browser:
    """One Chromium."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back = to, back
        self._number, self._rest = 0, b""
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, params: dict[str, Any], session: str = "") -> dict[str, Any]:
        """Ask for something and wait for the answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer["error"]
                return answer["result"]
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._back], [], [], PATIENCE)
            part = os.read(self._back, 1 << 20) if ready else b""
            assert part, "Chromium does not answer"
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        return json.loads(line)

    @contextmanager
    def page(self) -> Iterator[Page]:
        page = Page(self)
        try:
            yield page
        finally:
            page.closes()


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Chromium with a profile of its own in a folder, without a network."""
    program = chromium()
    assert program is not None
    (read_by_it, to), (back, written_by_it) = os.pipe(), os.pipe()

    def descriptors() -> None:  # it reads 3 and writes 4
        one, other = os.dup(read_by_it), os.dup(written_by_it)
        os.dup2(one, 3)
        os.dup2(other, 4)

    options = [
        "--headless=new",
        "--remote-debugging-pipe",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
    ]
    options += [
        "--no-first-run",
        "--disable-extensions",
        "--disable-component-update",
        "--disable-background-networking",
    ]
    options += ["--proxy-server=127.0.0.1:9", f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(
        [program, *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=descriptors,
        close_fds=False,
    )
    os.close(read_by_it)
    os.close(written_by_it)
    try:
        yield Browser(to, back)
    finally:
        process.terminate()
        process.wait(PATIENCE)
        os.close(to)
        os.close(back)
