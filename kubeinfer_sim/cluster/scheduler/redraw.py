"""Whether pods without a place would have one, had chance chosen other nodes for those that are placed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kubeinfer_sim.cluster.scheduler.choice import NodeChoice
from kubeinfer_sim.cluster.scheduler.node_index import NodeIndex
from kubeinfer_sim.cluster.scheduler.node_state import NodeState
from kubeinfer_sim.cluster.scheduler.pods import Pod


def fits_redrawn(pods: Sequence[Pod], index: NodeIndex, choice: NodeChoice) -> bool:
    """Whether they fit once the pods whose nodes were drawn are packed anew with them; nothing is changed.

    Large pods first, each on the fullest node that takes it: a packing is a proof, none is no disproof. Pods with a
    constraint on other pods stay where they are, and where one of `pods` has one the answer is no.
    """
    if not all(choice.is_independent(pod.spec) for pod in pods) or not _enough_is_free(pods, index):
        return False
    moved = {key: node for key, node in index.drawn.items() if choice.is_independent(node.pods[key].spec)}
    lifted = [(node, index.remove(node, key)) for key, node in moved.items()]
    packed = _pack([*pods, *(pod for _, pod in lifted)], index) if lifted else None
    for node, pod in lifted:
        index.place(node, pod, back=True)
    return bool(packed)


def _enough_is_free(pods: Sequence[Pod], index: NodeIndex) -> bool:
    """Whether the nodes have as much free, all together, of what matters most to each pod."""
    asked: Counter[str] = Counter()
    for pod in pods:
        name, amount = pod.spec.main_request
        asked[name] += amount
    return all(amount <= index.total(name) - index.in_use[name] for name, amount in asked.items())


def _pack(pods: Sequence[Pod], index: NodeIndex) -> bool:
    placed: list[tuple[NodeState, Pod]] = []
    for each in sorted(pods, key=lambda pod: pod.spec.size):
        kinds = index.kinds(each.spec)
        if not kinds:
            break
        node = min(kinds, key=lambda node: tuple(map(node.free, each.spec.resources)))
        pod = Pod(each.key, each.spec)  # its own rings are those of its own node
        index.place(node, pod)
        placed.append((node, pod))
    for node, pod in reversed(placed):
        index.remove(node, pod.key)
    return len(placed) == len(pods)
