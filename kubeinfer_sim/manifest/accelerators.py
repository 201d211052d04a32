"""Which resources are accelerators, and of which family: the one place that knows.

Pods and nodes name them as extended resources (`huawei.com/ascend-1980: 8`). So they do adapters (`rdma/hca`), and
shares of an accelerator beside it (`nvidia.com/gpumem`): the scheduler counts all of them alike, but only a resource
that `family_of` knows is a device that holds a model, fails, is reset and counts in reports. An unknown one is none,
unless its name says so (`example.com/gpu`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from msgspec import Struct


class Family(Struct, frozen=True):
    """Accelerators of one vendor, and what they are called: the texts of this project speak of NPUs.

    Attributes:
        name: of the vendor, or of its product; "" where only the noun is known.
        noun: what one of them is called in reports.
        resources: a regular expression that the names of its resources match as a whole.
        source: who says that its device plugin registers them.
    """

    name: str
    noun: str
    resources: str
    source: str

    def say(self, text: str) -> str:
        """A text of ours in the family's words: `an NPU fails` is `a GPU fails`."""
        noun = self.noun
        # Read out letter by letter, these begin with a vowel.
        vowel = noun[0] in ("AEFHILMNORSX" if noun[:2].isupper() else "aeiou")
        return _OUR_WORD.sub(
            lambda match: ("" if match[1] is None else "an " if vowel else "a ") + noun + match[2], text
        )

    def title(self, text: str) -> str:
        """The same at the head of something: `Accelerators out of service`."""
        said = self.say(text)
        return said[0].upper() + said[1:]


_OUR_WORD = re.compile(r"\b(an )?NPU(s?)\b")
#: What accelerators of several families are called together.
SEVERAL = Family("", "accelerator", "(?!)", "no resource is of several families")
#: What pods wait for that ask for no accelerator, in the place of one.
PLACES = Family("", "place", "(?!)", "no resource: cpu, memory and the rest of a node")
ASCEND = Family(
    "Ascend",
    "NPU",
    r"huawei\.com/(npu|[aA]scend[^/]*(?<!-memory)(?<!-core))",
    "ModelArts' KubeInfer guide (ascend-1980); MindCluster, Ascend Device Plugin (Ascend910, Ascend310P; npu since "
    "Atlas 350) and static virtualization (vNPUs such as Ascend310P-2c.1cpu); -memory and -core are HAMi's shares",
)
#: The first that matches counts. The last two are for device plugins that no line before knows.
FAMILIES = (
    ASCEND,
    Family(
        "NVIDIA",
        "GPU",
        r"nvidia\.com/(gpu(\.shared)?|mig-.+)",
        "NVIDIA's k8s-device-plugin: whole GPUs, shared ones, MIG devices (strategy mixed)",
    ),
    Family("AMD", "GPU", r"amd\.com/gpu", "ROCm's k8s-device-plugin"),
    Family(
        "Intel",
        "GPU",
        r"gpu\.intel\.com/(i915|xe)",
        "Intel's device plugins for Kubernetes, GPU plugin (its monitoring, memory and tiles are no devices)",
    ),
    Family("Gaudi", "HPU", r"habana\.ai/gaudi", "Intel Gaudi device plugin for Kubernetes"),
    Family("Neuron", "Neuron device", r"aws\.amazon\.com/neuron", "AWS Neuron device plugin"),
    Family("Google", "TPU", r"google\.com/tpu", "Google Kubernetes Engine, TPUs"),
    Family("Cambricon", "MLU", r"cambricon\.com/v?mlu", "Cambricon's device plugin; HAMi"),
    Family("Hygon", "DCU", r"hygon\.com/(dcu|dcunum)", "Hygon's DCU plugin; HAMi"),
    Family("Iluvatar", "GPU", r"iluvatar\.(ai|com)/(gpu|([^/]+-)?vgpu)", "Iluvatar CoreX's plugin; HAMi"),
    Family("MetaX", "GPU", r"metax-tech\.com/s?gpu", "MetaX' GPU operator; HAMi"),
    Family("Moore Threads", "GPU", r"mthreads\.com/v?gpu", "Moore Threads' device plugin; HAMi"),
    Family("Enflame", "GCU", r"enflame\.com/(gcu|drs-gcu|vgcu)", "Enflame's device plugin; HAMi"),
    Family("Kunlunxin", "XPU", r"kunlunxin\.com/v?xpu", "Kunlunxin's device plugin; HAMi"),
    Family("", "GPU", r"[^/]+/gpu", "the name itself"),
    Family("", "NPU", r"[^/]+/npu", "the name itself"),
)


@cache
def family_of(resource: str) -> Family | None:
    """The family of accelerators that are counted as this resource; None: it is no accelerator."""
    if "/" not in resource:  # cpu, memory: asked about most
        return None
    return next((family for family in FAMILIES if re.fullmatch(family.resources, resource)), None)


def accelerators_of(resources: Mapping[str, int]) -> dict[str, int]:
    """Those of the resources of a pod, container or node that are accelerators, where there are any."""
    return {name: amount for name, amount in resources.items() if amount and family_of(name)}


def accelerator_count(resources: Mapping[str, int]) -> int:
    """How many accelerators a pod takes or a node offers, all kinds together."""
    return sum(accelerators_of(resources).values())


def main_accelerator(resources: Mapping[str, int]) -> tuple[str, int]:
    """The accelerator of which there are most, the first of equally many, and how many; ("", 0) without any."""
    return max(accelerators_of(resources).items(), key=lambda each: each[1], default=("", 0))


def common_family(wholes: Iterable[Mapping[str, int]]) -> Family:
    """The family of all accelerators of these nodes or pods: `SEVERAL` of more than one, Ascend of none."""
    families = dict.fromkeys(family for whole in wholes for name in whole if (family := family_of(name)))
    return next(iter(families), ASCEND) if len({family.noun for family in families}) <= 1 else SEVERAL
