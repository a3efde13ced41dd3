"""Figures that papers published, read from paper.toml."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Published:
    """One published table, as printed: mean |H_pred - H_true| by system, test set and method."""

    source: str
    own_method: str
    own_model: str
    own_recipe: str
    comparable_protocols: tuple[str, ...]
    figures: dict[str, dict[str, dict[str, dict[str, str]]]]

    @property
    def systems(self) -> list[str]:
        """In the order of the paper."""
        return list(self.figures)

    @property
    def methods(self) -> list[str]:
        """In the order of the paper."""
        first_system = next(iter(self.figures.values()))
        return list(next(iter(first_system.values())))

    def mean(self, system: str, test_set: str, method: str) -> float:
        """NaN where the paper has no figure."""
        return float(self._figure(system, test_set, method).get("mean", "nan"))

    def quoted(self, system: str, test_set: str, method: str) -> str:
        """The same as the paper prints it, '1.2e-2'; empty where it has no figure."""
        return self._figure(system, test_set, method).get("mean", "")

    def spread(self, system: str, test_set: str, method: str) -> float:
        """What the paper writes after its plus-minus sign; NaN where it has no figure."""
        return float(self._figure(system, test_set, method).get("spread", "nan"))

    def _figure(self, system: str, test_set: str, method: str) -> dict[str, str]:
        return self.figures.get(system, {}).get(test_set, {}).get(method, {})


@cache
def paper() -> Published:
    """Table I of arXiv 2409.11138."""
    content = tomllib.loads((Path(__file__).parent / "paper.toml").read_text(encoding="utf-8"))
    content["comparable_protocols"] = tuple(content["comparable_protocols"])
    return Published(**content)
