"""What a row is: the versioned Arrow schema of the store, with units and meanings in the field metadata."""

import pyarrow as pa

# 2: presets, compiled gradient modes, free rollouts; 3: populations, structure of steps, long rollouts;
# 4: maps of the field, what grids vary of the data, gpu_share; 5: one rollout to look at;
# 6: contents of protocol and recipe
VERSION = 6

TEST_SETS = ("ru", "sg", "gaussian")
POPULATIONS = {
    "ru": ("in_box", "on_shell"),
    "sg": ("in_box", "on_shell"),
    "gaussian": ("in_box", "on_shell", "out_of_box"),
}
QUANTILES = 201  # of |H_pred - H_true|, evenly spaced from the smallest to the largest


def _field(name: str, kind: pa.DataType, meaning: str, unit: str = "") -> pa.Field:
    return pa.field(name, kind, metadata={"meaning": meaning, "unit": unit})


_TEXT, _INT, _REAL, _REALS = pa.string(), pa.int64(), pa.float64(), pa.list_(pa.float64())

IDENTITY = (
    _field("kind", _TEXT, "train (fit and judge) or profile (measure one training iteration)"),
    _field("system", _TEXT, "the system that is to be learned"),
    _field("model", _TEXT, "what learns it"),
    _field("preset", _TEXT, "the named size of the model; null where nothing is learned"),
    _field("gradient_mode", _TEXT, "how the gradient goes through the integrator"),
    _field("integrator", _TEXT, "the one-step method of the rollout"),
    _field("start_guess", _TEXT, "where the iteration of an implicit step starts"),
    _field("compiled", pa.bool_(), "whether the gradient mode's backward pass was asked to be compiled"),
    _field("seq_len", _INT, "steps of a training window, N", "steps"),
    _field("seed", _INT, "the number that the cell's noise, initial weights and batches derive from"),
    _field("protocol", _TEXT, "how data are made and models judged"),
    _field("recipe", _TEXT, "how the model is trained"),
    _field("device", _TEXT, "cpu or cuda"),
    _field("dtype", _TEXT, "floating-point type of training"),
    _field("net", _TEXT, "untrained or fitted: the parameters that a measured iteration starts from"),
    _field("step_size", _REAL, "h of the measured rollout", "time"),
)

_ADMINISTRATION = (
    _field("cell_id", _TEXT, "hash of the identity, of the protocol's and of the recipe's contents"),
    _field("fingerprint", _TEXT, "hash of the code that the cell ran"),
    _field("protocol_content", _TEXT, "hash of what the protocol of this name says"),
    _field("recipe_content", _TEXT, "the same of the recipe; null where nothing is trained by one"),
    _field("data", _TEXT, "hash of the user's own data; null where the protocol makes them"),
    _field("noise", _REAL, "standard deviation of the observations' noise; null where coordinates differ in it"),
    _field("train_starts", _INT, "trajectories to learn from"),
    _field("run_id", _TEXT, "the run's provenance record"),
    _field("schema_version", _INT, "version of this schema"),
    _field("attempt", _INT, "1 for the first attempt at the cell"),
    _field("gpu_share", _REAL, "share of a card that the attempt had and was held to; null without a card"),
    _field("status", _TEXT, "ok, skipped, diverged, oom, timeout, error or lost"),
    _field("reason", _TEXT, "why the cell was skipped or failed, in a sentence"),
    _field("phase", _TEXT, "where it failed: data, build, train, evaluate or profile"),
    _field("exception", _TEXT, "class of the exception"),
    _field("traceback", _TEXT, "traceback of the exception"),
    _field("failed_step", _INT, "number of the step whose implicit equations had no solution"),
    _field("failed_step_size", _REAL, "h of that step", "time"),
    _field("failed_residual", _REAL, "last correction of its Newton iteration", "tolerances"),
    _field("worker", _TEXT, "host and process that ran the cell"),
    _field("started_at", _TEXT, "start of the attempt, UTC, ISO 8601"),
)

_JUDGEMENT = tuple(
    field
    for name in TEST_SETS
    for field in (
        _field(f"h_mae_{name}", _REAL, "mean |H_pred - H_true| after the mean offset of a calibration set"),
        _field(f"h_median_{name}", _REAL, "median of the same"),
        _field(f"h_q90_{name}", _REAL, "90 % quantile of the same"),
        _field(f"h_q99_{name}", _REAL, "99 % quantile of the same"),
        _field(f"h_raw_mae_{name}", _REAL, "mean |H_pred - H_true| with no offset removed"),
        _field(f"h_r2_{name}", _REAL, "1 - Var(H_pred - H_true) / Var(H_true)"),
        _field(f"field_error_{name}", _REAL, "||f_pred - f|| / ||f|| over the set"),
        _field(f"h_quantiles_{name}", _REALS, f"{QUANTILES} evenly spaced quantiles of |H_pred - H_true|"),
    )
)

_PLACES = {
    "in_box": "in the box of the starts",
    "on_shell": "that the system accepts, of an energy among those of the accepted training starts",
    "out_of_box": "out of the box of the starts",
}

_BY_POPULATION = tuple(
    field
    for name, parts in POPULATIONS.items()
    for part in parts
    for field in (
        _field(f"share_{name}_{part}", _REAL, f"share of the set's points {_PLACES[part]}"),
        _field(f"h_mae_{name}_{part}", _REAL, f"h_mae_{name} over these points, with the offset of the whole set"),
        _field(f"h_raw_mae_{name}_{part}", _REAL, f"h_raw_mae_{name} over these points"),
        _field(f"h_r2_{name}_{part}", _REAL, f"h_r2_{name} over these points"),
        _field(f"field_error_{name}_{part}", _REAL, f"field_error_{name} over these points"),
    )
)

# From true starts that were not trained on. Medians are over these starts; a rollout that has ended (a coordinate is
# ten times the largest true one, or not finite, or a step cannot be solved) is infinitely wrong from then on.
_ROLLOUTS = (
    _field(
        "rollout_error",
        _REAL,
        "median ||Y_pred - Y|| / ||Y|| of free rollouts over the horizon T of the protocol; where the data are a "
        "user's own, from and to held-out observations, over all together that do not escape, null if none is left",
    ),
    _field("error_at_tenth", _REAL, "median ||y_pred - y|| / RMS ||y|| at the time T/10"),
    _field("error_at_horizon", _REAL, "the same at T"),
    _field(
        "error_at_ten_horizons", _REAL, "the same at 10 T; null where the true states there are not known to 1e-8"
    ),
    _field("valid_time", _REAL, "median time, at most 10 T, until ||y_pred - y|| exceeds 0.4 RMS ||y||", "time"),
    _field("valid_lyapunov_times", _REAL, "the same, of systems that have a Lyapunov time", "Lyapunov times"),
    _field("period_error", _REAL, "median |P_pred / P - 1| of the periods P of systems with one degree of freedom"),
    _field("escape_share", _REAL, "share of the rollouts to 10 T (own data: to T) that ended early"),
    _field("escape_time", _REAL, "median time at which these ended", "time"),
    _field("reversal_error", _REAL, "median ||y - y0|| / RMS ||y|| after T forward, p flipped, T forward, p flipped"),
    _field("symplecticity_defect", _REAL, "median ||M^T J M - J|| of the Jacobian M of the learned step of dt"),
    _field("symplecticity_defect_max", _REAL, "the largest of the same"),
    _field("volume_defect", _REAL, "median |det M - 1|"),
    _field("energy_horizon", _REAL, "how long the rollouts of the next four last: the long horizon, or 10 T", "time"),
    _field(
        "energy_drift", _REAL, "median |slope| of the true H against time, of rollouts that last so long", "H/time"
    ),
    _field("energy_amplitude", _REAL, "half the range of the true H about that slope, median", "H"),
    _field("learned_energy_drift", _REAL, "as energy_drift, of the learned H: the integrator's part", "H/time"),
    _field("learned_energy_amplitude", _REAL, "as energy_amplitude, of the learned H", "H"),
    _field("energy_times", _REALS, "times of energy_error_curve, where the protocol has a long horizon", "time"),
    _field("energy_error_curve", _REALS, "median over starts of |H(y_t) - H(y_0)|, H the true one, y rolled out"),
    _field("long_escape_share", _REAL, "share of the rollouts to the long horizon that ended early"),
    _field("long_escape_time", _REAL, "median time at which these ended", "time"),
    _field("separatrix_error", _REAL, "share of rollouts from near the separatrix that move on the wrong side of it"),
    _field(
        "section_energies", _REALS, "energies of the surfaces of section; the lists below have an entry for each", "H"
    ),
    _field("section_distance", _REALS, "half the sum of |difference| of learned and true histograms of the section"),
    _field("section_outside", _REALS, "share of the section's points that the true energy forbids"),
    _field("chaotic_share", _REALS, "share of chaotic orbits, exponent above 0.015, of those that do not escape"),
    _field(
        "chaotic_exponent", _REALS, "median largest Lyapunov exponent of the chaotic ones; NaN without any", "1/time"
    ),
    _field("section_number", _REALS, "number of the energy, from 0, of every point of the section"),
    _field("section_first", _REALS, "first coordinate of every point of the section, to 1e-4", "state"),
    _field("section_second", _REALS, "second coordinate of the same", "state"),
    _field(
        "edge_first", _REALS, "first coordinate of points around what the true energy allows, curve by curve", "state"
    ),
    _field("edge_second", _REALS, "second coordinate of the same", "state"),
)

_MAPS = (  # where the protocol asks: for pictures of data and field in a plane of phase space
    _field("map_plane", _REALS, "the plane's two coordinates, by number; the others are in the middle of the box"),
    _field("map_box", _REALS, "ends of the grid: of the first coordinate, of the second", "state"),
    _field("map_first", _REALS, "first component of the learned field on a square grid, first coordinate slowest"),
    _field("map_second", _REALS, "second component of the same"),
    _field("seen_first", _REALS, "first coordinate of some of the states that were learned from", "state"),
    _field("seen_second", _REALS, "second coordinate of the same", "state"),
)

_SHOWN = (  # where the protocol asks: one rollout, for pictures; the first of those that rollout_error is about
    _field("shown_times", _REALS, "evenly spaced times, from 0 to 10 T or to where the rollout ends", "time"),
    _field("shown_first", _REALS, "first coordinate of the rollout at these times", "state"),
    _field("shown_true_times", _REALS, "times at which the true states are known", "time"),
    _field("shown_true_first", _REALS, "first coordinate of the true state at these times", "state"),
)

_HELD_OUT = (
    _field("noise_share", _REAL, "||noise|| / ||Y|| of held-out observations, at most, by differences in time"),
    _field("energy_spread", _REAL, "standard deviation of the learned H along held-out observed trajectories, rms"),
    _field("energy_spread_share", _REAL, "the same over that at these q and p, each p with another q"),
)

_TRAINING = (
    _field("field_error", _REAL, "relative error of the vector field on the RU set"),
    _field("parameters", _INT, "trainable parameters"),
    _field("train_loss", _REAL, "mean training loss of the last epoch; state^2 where the model integrates"),
    _field(
        "validation_loss",
        _REAL,
        "squared error of rollouts on the validation windows",
        "state^2",
    ),
    _field("loss_floor", _REAL, "loss of the true H on the same validation windows", "state^2"),
    _field(
        "noise_floor",
        _REAL,
        "what noise makes the loss of the true flow on such windows, to leading order",
        "state^2",
    ),
    _field("noise_to_signal", _REAL, "noise / (N h |f|): of a coordinate, to how far a state moves within a window"),
    _field("curve_train", _REALS, "mean training loss of each epoch, in the units of train_loss"),
    _field("curve_validation", _REALS, "validation loss after each epoch", "state^2"),
    _field("curve_learning_rate", _REALS, "learning rate at the end of each epoch"),
    _field("reference_error", _REAL, "change of the reference trajectories under step refinement", "state"),
)

_COST = (
    _field("field_evals", _REAL, "field evaluations a trajectory, in training or in one iteration"),
    _field("train_s", _REAL, "training, validation apart", "s"),
    _field("eval_s", _REAL, "validation and judging", "s"),
    _field("validation_s", _REAL, "of it, validation in the course of training", "s"),
    _field("wall_s", _REAL, "the whole cell", "s"),
    _field(
        "compile_s",
        _REAL,
        "compilation by this cell, nothing of it in other times; 0 where its worker had compiled the shapes before",
        "s",
    ),
)

_PROFILE = (
    _field("batch_size", _INT, "trajectories of the measured iteration"),
    _field("observations", _INT, "states of the measured window that enter its loss, after the start"),
    _field("iteration_s", _REAL, "one training iteration, median over the repeats", "s"),
    _field("iteration_samples_s", _REALS, "every repeat of the same", "s"),
    _field("forward_s", _REAL, "its rollout and loss, median", "s"),
    _field("backward_s", _REAL, "its backward pass, median", "s"),
    _field("optimizer_s", _REAL, "its optimiser step, median", "s"),
    _field("first_call_s", _REAL, "the first iteration, everything cold", "s"),
    _field("peak_bytes", _INT, "peak of one iteration above the level before it", "bytes"),
    _field("peak_forward_bytes", _INT, "the same during the forward pass", "bytes"),
    _field("peak_backward_bytes", _INT, "the same during the backward pass", "bytes"),
    _field("peak_optimizer_bytes", _INT, "the same during the optimiser step", "bytes"),
    _field("field_evals_forward", _REAL, "field evaluations a trajectory, forward"),
    _field("field_evals_backward", _REAL, "field or Jacobian evaluations a trajectory, backward"),
    _field("solver_iterations", _REAL, "mean iterations of an implicit solve"),
    _field("solver_residual", _REAL, "largest last change of an implicit solve", "tolerances"),
    _field("gradient_rel_error", _REAL, "||g - g_exact|| / ||g_exact||, exact: float64, same discrete rollout"),
    _field("gradient_cosine", _REAL, "cosine of g and g_exact"),
)

SCHEMA = pa.schema(
    (
        *_ADMINISTRATION,
        *IDENTITY,
        *_JUDGEMENT,
        *_BY_POPULATION,
        *_ROLLOUTS,
        *_MAPS,
        *_SHOWN,
        *_HELD_OUT,
        *_TRAINING,
        *_COST,
        *_PROFILE,
    ),
    metadata={"schema_version": str(VERSION)},
)
COLUMNS = tuple(SCHEMA.names)
IDENTITY_COLUMNS = tuple(field.name for field in IDENTITY)


_COLLOCATION = pa.schema(
    (
        _field("run_id", _TEXT, "the run's provenance record"),
        _field("method", _TEXT, "polynomial (collocation) or pinn"),
        _field("rule", _TEXT, "gauss or chebyshev: the nodes"),
        _field("nodes", _INT, "how many of them"),
        _field("span", _REAL, "Dt, the length of the interval", "time"),
        _field("iteration", _INT, "of the training of the PINN"),
        _field("seed", _INT, "of its initial parameters"),
        _field("residual", _REAL, "largest || N'(t) - f(N(t)) || at the nodes", "state/time"),
        _field("error_end", _REAL, "|| N(Dt) - x(Dt) ||", "state"),
        _field("error_max", _REAL, "largest || N(t) - x(t) || on [0, Dt]", "state"),
        _field("seconds", _REAL, "to solve, or to train so far", "s"),
    )
)

_DENSITY = pa.schema(
    (
        _field("run_id", _TEXT, "the run's provenance record"),
        _field("density", _TEXT, "the toy set"),
        _field("flow", _TEXT, "field of the flow: free or hamiltonian; truth: the set itself"),
        _field("trace", _TEXT, "exact or hutchinson: the divergence in training"),
        _field("iteration", _INT, "of the training"),
        _field("seed", _INT, "of its initial parameters and batches"),
        _field("kl", _REAL, "KL(p || p_flow) on unseen points", "nats"),
        _field("log_density", _REALS, "log p on a square grid over [-4, 4]^2, at the end of the training", "nats"),
        _field("points", _REALS, "unseen points (x1, x2) of the truth, one after the other"),
        _field("seconds", _REAL, "to train so far", "s"),
    )
)

STUDIES = {"collocation": _COLLOCATION, "density": _DENSITY}  # of the rows of bench.studies, which have no cells


class UnknownColumn(ValueError):
    """A row has a column that the schema does not declare."""


def complete(row: dict) -> dict:
    """The row with every column of the schema, absent ones null. Raises UnknownColumn."""
    unknown = sorted(set(row) - set(COLUMNS))
    if unknown:
        raise UnknownColumn(f"the schema (version {VERSION}) has no column {', '.join(unknown)}")
    return {name: row.get(name) for name in COLUMNS}
