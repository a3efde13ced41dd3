"""Protocols: how data are made and models judged."""

from itertools import product
from typing import Annotated, ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator
from torch import Tensor

import systems
from bench.declarations import Declaration, load, validated
from systems import integrators
from systems.base import Box, System, cube

JUDGING = frozenset(  # of the keys of a protocol: how far and from where models are rolled out; no data depend on it
    {
        "rollout_integrator",
        "long_horizon",
        "long_energies",
        "section_energies",
        "section_orbits",
        "exponent_horizon",
        "separatrix_margin",
        "field_map",
    }
)
# What models see of the motion; whatever it is, the same points and true rollouts judge them.
OBSERVING = frozenset({"noise", "jitter", "starts", "start_state", "train_starts", "validation_starts"})


class Region(Declaration):
    """Where one system's starts and test points are drawn, if not in the system's own box."""

    box: PositiveFloat
    sigma: PositiveFloat


class Protocol(Declaration):
    """Box, step, horizon, noise, counts and test distributions.

    `noise` is a standard deviation: of all coordinates, of [positions, momenta], or a list of one for each. `jitter`
    displaces the times of the samples, each trajectory's own, by so much of a step at most from end to end.
    Starts are uniform in the box; `starts = "accepted"` redraws those that the system rejects, and
    "gaussian" takes the distribution of the Gaussian test points instead.
    `start_state` says whether a rollout begins at the noisy observation or at the true state. `derivatives` shares
    the true field at the true states with the models, `equations` the true field and H as functions.
    Models with a field that train without an integrator are rolled out by `rollout_integrator`.
    Models are also rolled out to the time `long_horizon` if it is not 0, from starts whose H lies between the two
    `long_energies` of their system, if it has any; and, for systems that have such a thing, from `section_orbits`
    starts on the surface of section at each of their `section_energies`, and from starts whose H is no further than
    `separatrix_margin` from that of the separatrix. From the starts on the section, Lyapunov exponents are measured
    up to the time `exponent_horizon`.
    For pictures a row keeps the learned field on a grid of `field_map` x `field_map` points in a plane, if not 0, and
    one rollout at about `shown_rollout` times.
    """

    cosmetic: ClassVar[frozenset[str]] = Declaration.cosmetic | {"shown_rollout"}  # a figure is no other cell

    description: str = ""
    dt: PositiveFloat
    steps: PositiveInt
    noise: NonNegativeFloat | Annotated[list[NonNegativeFloat], Field(min_length=2)]
    jitter: Annotated[float, Field(ge=0, lt=1)] = 0.0
    train_starts: PositiveInt
    validation_starts: PositiveInt
    starts: Literal["box", "accepted", "gaussian"] = "box"
    start_state: Literal["noisy", "true"] = "noisy"
    derivatives: Literal["none", "exact"] = "none"
    equations: bool = False
    test_points: PositiveInt
    calibration_points: PositiveInt
    grid_per_axis: Annotated[int, Field(ge=2)]
    reference_tolerance: PositiveFloat = 1e-10
    rollout_integrator: str = "implicit_midpoint"
    long_horizon: Annotated[float, Field(ge=0)] = 0.0
    long_energies: dict[str, Annotated[list[float], Field(min_length=2, max_length=2)]] = Field(default={})
    section_energies: dict[str, Annotated[list[PositiveFloat], Field(min_length=1)]] = Field(default={})
    section_orbits: PositiveInt = 16
    exponent_horizon: Annotated[float, Field(ge=0)] = 0.0
    separatrix_margin: Annotated[float, Field(ge=0)] = 0.0
    field_map: Annotated[int, Field(ge=0, le=101)] = 0
    shown_rollout: Annotated[int, Field(ge=0, le=2000)] = 0
    systems: dict[str, Region] = Field(default={})

    @model_validator(mode="after")
    def _finite(self) -> "Protocol":
        if self.dt * self.steps > 1e6:
            raise ValueError("the horizon dt * steps exceeds 1e6")
        if self.long_horizon and not self.dt <= self.long_horizon <= 1e6:
            raise ValueError("long_horizon is neither 0 nor from dt to 1e6")
        if self.exponent_horizon and not 500 <= self.exponent_horizon <= 1e6:
            raise ValueError(
                "exponent_horizon is neither 0 nor from 500, before which regular orbits look chaotic, to 1e6"
            )
        return self

    @model_validator(mode="after")
    def _known_rollouts(self) -> "Protocol":
        integrators.get(self.rollout_integrator)  # raises UnknownName, a ValueError, with the valid names
        if not self.long_horizon and (self.section_energies or self.separatrix_margin):
            raise ValueError("section_energies and separatrix_margin need a long_horizon")
        if self.exponent_horizon > self.long_horizon:
            raise ValueError("exponent_horizon exceeds long_horizon: exponents are those of the long rollouts")
        if self.exponent_horizon and not self.section_energies:
            raise ValueError("exponent_horizon needs section_energies: its starts lie on the section")
        for name in self.section_energies:
            if systems.get(name).section is None:
                raise ValueError(f"section_energies: system '{name}' has no surface of section")
        return self

    @property
    def offers(self) -> frozenset[str]:
        """What a model may need and finds here: of `models.base.NEEDS`."""
        kept = {
            "derivatives": self.derivatives == "exact",
            "noise-free data": not any(self.noise if isinstance(self.noise, list) else [self.noise]),
            "equations": self.equations,
        }
        return frozenset(name for name, offered in kept.items() if offered)

    @property
    def irregular(self) -> bool:
        """Whether samples are taken at other times than every dt."""
        return self.jitter > 0

    def system(self, name: str) -> System:
        """The system of a name."""
        return systems.get(name)()

    def box(self, system_name: str, system: System) -> Box:
        """Where starts and the RU and SG test points lie."""
        region = self.systems.get(system_name)
        return cube(region.box, system.dim) if region else system.box

    def sigma(self, system_name: str, system: System) -> float:
        """Standard deviation of the Gaussian test points; half the mean half-width of the box by default."""
        region = self.systems.get(system_name)
        if region:
            return region.sigma
        return sum(high - low for low, high in system.box) / len(system.box) / 4

    def noise_fault(self, system: System) -> str | None:
        """Why this noise cannot be put on this system's coordinates, or None if it can."""
        if not isinstance(self.noise, list) or len(self.noise) in (2, system.dim):
            return None
        return (
            f"noise of protocol '{self.name}' has {len(self.noise)} entries, the system {system.dim} coordinates: "
            "give one number, [positions, momenta], or one for each coordinate"
        )

    def noise_of(self, system: System) -> float | Float[Tensor, " dim"]:
        """The standard deviation of the noise: of all coordinates, or of each."""
        if not isinstance(self.noise, list):
            return self.noise
        each = torch.tensor(self.noise, dtype=torch.float64)
        return each if len(each) == system.dim else each.repeat_interleave(system.dof)

    def gaussian(
        self, system_name: str, system: System, count: int, stream: torch.Generator
    ) -> Float[Tensor, "count dim"]:
        """Normal points about the middle of the box, float64."""
        middle = torch.tensor(self.box(system_name, system), dtype=torch.float64).mean(-1)
        draw = torch.randn(count, system.dim, dtype=torch.float64, generator=stream)
        return middle + self.sigma(system_name, system) * draw


def load_protocol(name: str, beside=None) -> Protocol:
    """A protocol by name or .toml file. Raises BadInput."""
    return load(Protocol, "protocols", "protocol", name, beside)


def varied(protocol: Protocol, changes: dict[str, list]) -> list[Protocol]:
    """The protocol with every combination of other values for some of its keys. Raises BadInput.

    Their names say what was changed, as paper_noise_0.05; where a value is the protocol's own, nothing was.
    """
    found = []
    for values in product(*changes.values()):
        content = protocol.model_dump()
        changed = {key: value for key, value in zip(changes, values, strict=True) if content.get(key, ...) != value}
        name = "_".join([protocol.name, *(f"{key}_{in_a_name(value)}" for key, value in changed.items())])
        found.append(validated(Protocol, content | changed, name, f"protocol '{protocol.name}', varied"))
    return found


def in_a_name(value) -> str:
    return "_".join(map(str, value)) if isinstance(value, list) else str(value)
