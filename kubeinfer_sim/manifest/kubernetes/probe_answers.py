"""What the kubelet makes of what a probe's handler gets (pkg/probe/exec, http, tcp and grpc).

`warning` counts as success (pkg/kubelet/prober/prober.go, `probe`).
"""

from __future__ import annotations

from typing import Literal

Verdict = Literal["success", "warning", "failure"]
Handler = Literal["exec", "httpGet", "tcpSocket", "grpc"]


def http_verdict(status: int) -> Verdict:
    """Of the last answer's status: redirects within the host are followed, ten at most; others are the last."""
    if 200 <= status < 300:
        return "success"
    return "warning" if 300 <= status < 400 else "failure"


def grpc_verdict(status: str) -> Verdict:
    """Of the health service's serving status, or of the error (Unimplemented, DeadlineExceeded) there is instead."""
    return "success" if status == "SERVING" else "failure"


def exec_verdict(exit_code: int) -> Verdict:
    """Of a command's exit code."""
    return "failure" if exit_code else "success"


def verdict(handler: Handler, answer: int | str) -> Verdict | None:
    """Of an answer as people write it; None when a handler of this kind is never answered so."""
    if handler == "grpc":
        return grpc_verdict(answer) if isinstance(answer, str) else None
    if isinstance(answer, str) or handler == "tcpSocket":
        return None
    if handler == "httpGet":
        return http_verdict(answer) if 100 <= answer <= 599 else None
    return exec_verdict(answer) if 0 <= answer <= 255 else None
