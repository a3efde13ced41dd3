"""python -m bench.tune: random search for a recipe, judged by the validation loss and by nothing that a table shows.

The measure is `validation_loss`, the error of rollouts, which means the same for every model whatever its own loss
is; over several systems, its geometric mean. Every trial is an ordinary cell with a recipe of its own, so the store
keeps them all, and a second call resumes. The window length is no part of the search: losses over windows of
different lengths are not comparable.
"""

import json
import math
from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
import typer
from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from bench.declarations import BadInput, Declaration, load
from bench.engine import Backend, Options, cores
from bench.expand import expand
from bench.grid import Block, Filters, Grid
from bench.plan import make_plan
from bench.protocol import load_protocol
from bench.recipe import OneCycle, Recipe, load_recipe
from bench.run import ExitCode, console, errors, execute, stored_rows
from bench.seeds import generator
from bench.store import StoreError, check_usable, place_of, read

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class LogUniform(Declaration):
    """A positive number whose logarithm is uniform."""

    low: PositiveFloat
    high: PositiveFloat

    @model_validator(mode="after")
    def _ordered(self) -> "LogUniform":
        if self.low > self.high:
            raise ValueError("low exceeds high")
        return self


class Space(Declaration):
    """What a search varies of a one-cycle recipe: peak and warm-up of the schedule, and the batch size."""

    description: str = ""
    recipe: str
    batch_size: Annotated[list[PositiveInt], Field(min_length=1)]
    warm_up: Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1)]
    peak: LogUniform


@app.command()
def main(
    model: Annotated[str, typer.Option(help="The model to tune.")],
    system: Annotated[list[str], typer.Option(help="A system to tune on; repeatable.")],
    trials: Annotated[int, typer.Option(min=1, help="How many recipes are drawn and tried.")] = 8,
    space: Annotated[str, typer.Option(help="Name of a space, or a .toml file.")] = "one_cycle",
    preset: Annotated[str, typer.Option(help="The model's preset.")] = "matched",
    protocol: Annotated[str, typer.Option(help="Name of a protocol, or a .toml file.")] = "paper",
    gradient: Annotated[str, typer.Option(help="Gradient mode, where one applies.")] = "discrete",
    seq_len: Annotated[int, typer.Option(min=1, help="Steps of a window, in training and validation.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Noise, weights and batches; keep it out of tables.")] = 100,
    out: Annotated[Path | None, typer.Option(help="Folder of recipes and store [results/tune/MODEL].")] = None,
    backend: Annotated[Backend, typer.Option(help="Where trials run.")] = Backend.INLINE,
) -> None:
    """Try recipes drawn from a space, and write the one with the lowest validation loss."""
    folder = out or Path("results") / "tune" / model
    axes = {"model": model, "system": system, "preset": preset, "gradient_mode": gradient}
    protocol_file = str(Path(protocol).resolve()) if protocol.endswith(".toml") else protocol
    axes |= {"protocol": protocol_file, "seq_len": seq_len, "seed": seed}
    try:
        check_usable(folder / "store")
        searched = load(Space, "spaces", "space", space)
        recipes = [
            draw(searched, f"{model}_{searched.name}_{seed}_trial{trial}", seed, trial) for trial in range(trials)
        ]
        code, scores = try_all(axes, recipes, folder, Options(backend, cores(), None))
    except (BadInput, StoreError) as error:
        errors.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(ExitCode.USAGE) from None
    if scores.empty:
        errors.print("no trial finished on every system: there is no winner", style="red")
        raise typer.Exit(code or ExitCode.NOTHING)
    best = next(recipe for recipe in recipes if recipe.name == scores.idxmin())
    told = f"The best of {trials} trials of space '{searched.name}' for {model} ({preset}) on {', '.join(system)}"
    told += f", protocol {Path(protocol).stem}, N = {seq_len}, seed {seed}: validation loss {scores.min():.4g}"
    told += f" (trials: {scores.min():.4g} to {scores.max():.4g})"
    path = write(best.model_copy(update={"name": f"{model}_tuned", "description": told}), folder)
    console.print(f"{told}\n{path}", highlight=False, soft_wrap=True)
    raise typer.Exit(code)


def draw(space: Space, name: str, seed: int, trial: int) -> Recipe:
    """The recipe of a trial; it depends on the seed and the trial's number alone. Raises BadInput."""
    base = load_recipe(space.recipe)
    if not isinstance(base.schedule, OneCycle):
        raise BadInput(f"space '{space.name}': recipe '{base.name}' has no one-cycle schedule")
    stream = generator("tune", seed, trial)
    share, *picks = torch.rand(3, dtype=torch.float64, generator=stream).tolist()
    peak = math.exp(math.log(space.peak.low) + share * math.log(space.peak.high / space.peak.low))
    warm_up, batch_size = (
        choices[int(pick * len(choices))]
        for pick, choices in zip(picks, (space.warm_up, space.batch_size), strict=True)
    )
    schedule = base.schedule.model_copy(update={"peak": float(f"{peak:.3g}"), "warm_up": warm_up})
    changes = {"name": name, "description": "", "batch_size": batch_size, "schedule": schedule}
    return base.model_copy(update=changes)


def try_all(axes: dict, recipes: list[Recipe], folder: Path, options: Options) -> tuple[int, pd.Series]:
    """Run what is missing of every trial; the exit code, and the score of each finished recipe. Raises BadInput."""
    try:
        block = Block.model_validate({**axes, "recipe": [f"{recipe.name}.toml" for recipe in recipes]})
    except ValidationError as error:
        raise BadInput("; ".join(detail["msg"] for detail in error.errors())) from error
    load_protocol(axes["protocol"])
    for recipe in recipes:
        write(recipe, folder / "recipes")
    write_grid(block, folder / "recipes")
    grid = Grid(name=f"tune {axes['model']}", cells=[block])
    planned = expand(grid, Filters(), folder / "recipes")
    place = place_of(folder / "store")
    code = execute(make_plan(planned, stored_rows(place)), place, options)
    rows = read(place).set_index("cell_id").reindex(item.task.cell_id for item in planned)
    losses = rows["validation_loss"].where(rows["status"] == "ok").map(math.log)
    return code, losses.groupby(rows["recipe"]).mean(skipna=False).dropna().map(math.exp)  # type: ignore[return-value]


def write_grid(block: Block, folder: Path) -> None:
    """The trials as blocks of a grid beside their recipes, after those of earlier searches: each can be run again."""
    content = block.model_dump(exclude_unset=True)
    lines = ["[[cells]]", *(f"{key} = {json.dumps(value)}" for key, value in content.items())]
    path, told = folder / "grid.toml", "\n".join(lines) + "\n"
    known = path.read_text(encoding="utf-8") if path.exists() else ""
    if told not in known:
        path.write_text(known + told, encoding="utf-8")


def write(recipe: Recipe, folder: Path) -> Path:
    """The recipe as TOML in the folder, under its name; what has its default is left out."""
    content = recipe.model_dump(exclude={"name"}, exclude_defaults=True)
    lines = [f"{key} = {json.dumps(value)}" for key, value in content.items() if not isinstance(value, dict)]
    for table, entries in content.items():
        if isinstance(entries, dict):
            lines += ["", f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in entries.items())]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{recipe.name}.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    app()
