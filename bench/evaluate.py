"""Judging a model: every judge that applies to what it offers and that its protocol asks for."""

import systems
from bench.judges.energy import drift_columns
from bench.judges.errors import Columns, error_columns
from bench.judges.field_map import map_columns
from bench.judges.free_rollouts import accuracy_columns, reversal_columns
from bench.judges.long_rollouts import long_columns
from bench.judges.rolling import roll_out
from bench.judges.shown_rollout import shown_columns
from bench.judges.step_structure import structure_columns
from bench.judges.truth import truth_of
from bench.protocol import Protocol
from models.base import Model
from systems.base import System


def judge(model: Model, system_name: str, protocol: Protocol) -> Columns:
    """The columns of a row that say how good the learned H, field and flow are, as far as there are any. float64."""
    system = systems.get(system_name)()
    model = model.double()
    columns = error_columns(model, system_name, system, protocol)
    if protocol.field_map and model.has_field:
        columns |= map_columns(model, system_name, system, protocol)
    return columns | (rollout_columns(model, system_name, system, protocol) if model.rolls_out else {})


def rollout_columns(model: Model, system_name: str, system: System, protocol: Protocol) -> Columns:
    """Of its rollouts: to ten horizons from starts of their own, and as long as the protocol asks."""
    truth, h = truth_of(system_name, protocol), protocol.dt
    rollouts = roll_out(model, truth.starts, h, truth.steps, truth.bound)
    columns = accuracy_columns(rollouts, truth, system, protocol)
    columns |= reversal_columns(model, system, rollouts, h, min(protocol.steps, truth.steps), truth)
    columns |= structure_columns(model, truth.starts, h)
    if protocol.shown_rollout:
        columns |= shown_columns(rollouts, truth, h, protocol.shown_rollout)
    if protocol.long_horizon:
        return columns | long_columns(model, system_name, system, protocol, truth.bound)
    return columns | drift_columns(model, system, rollouts, h)
