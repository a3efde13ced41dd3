"""The machine that a night ran on: times of two machines are never compared."""

import os
import platform
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from bench.provenance import cpu, cpu_facts

GENERATION = ("cpu family", "model", "stepping")  # facts of a processor
PACKAGES = ("torch", "torchdiffeq", "numpy", "pandas", "pyarrow", "asv")


@dataclass(frozen=True)
class Machine:
    """A name that machines of one sort share, for hosts of a cloud are new every night: processor and cores."""

    name: str

    @property
    def asv_arguments(self) -> tuple[str, ...]:
        """What asv is to know of it: nothing besides the name, that would split the series of its site."""
        facts = {"machine": self.name, "os": "", "arch": "", "cpu": "", "num_cpu": "", "ram": ""}
        return ("machine", "--yes", *(part for key, value in facts.items() for part in (f"--{key}", value)))


def this_machine() -> Machine:
    return Machine(f"{processor(cpu() or platform.machine(), cpu_facts())}-{os.cpu_count()}cores")


def processor(model: str, facts: dict[str, str]) -> str:
    """Words of the model; where a cloud hides its number, the generation beside them."""
    words = re.findall(r"[a-z0-9.]+", re.sub(r"\((R|TM)\)|CPU|@|Processor", " ", model).lower())
    hidden = not any(character.isdigit() for character in model)
    return "-".join([*words, *(facts[key] for key in GENERATION if hidden and key in facts)])


def packages() -> dict[str, str]:
    """Versions of what figures depend on; a package that is not there is left out."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
