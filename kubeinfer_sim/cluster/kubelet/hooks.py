"""How long the hooks of a container take, as far as the manifest says."""

from __future__ import annotations

import re

from kubeinfer_sim.manifest.model import Hook

_SLEEP = r"(?:^|[\s;&])(?:/bin/|/usr/bin/)?sleep\s+(\d+)\s*$"


def hook_seconds(hook: Hook) -> int | None:
    """How long the manifest says a hook takes: a `sleep` handler, or a command that ends in `sleep N`."""
    if hook.sleep_seconds is not None:
        return hook.sleep_seconds
    sleeps = re.search(_SLEEP, " ".join(hook.command))
    return int(sleeps[1]) if sleeps else None
