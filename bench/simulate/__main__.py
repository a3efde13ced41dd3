"""python -m bench.simulate: what a grid would take on a cluster, before anyone pays for it."""

from typing import Annotated

import typer
from rich.console import Console

from bench.declarations import BadInput
from bench.display import clock
from bench.expand import expand
from bench.grid import Filters, beside, load_grid
from bench.plan import PLANNING
from bench.run import ExitCode
from bench.schema import SCHEMA
from bench.simulate.cluster import load_cluster
from bench.simulate.play import Outcome, Planning, plan_all, play
from bench.store import StoreError, read

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


@app.command()
def main(
    grid: Annotated[str, typer.Option(help="Name of a grid, or a .toml file.")],
    cluster: Annotated[str, typer.Option(help="Name of a cluster (bench/clusters), or a .toml file.")],
    results: Annotated[str | None, typer.Option(help="A store whose rows say how long cells take.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of durations and failures.")] = 0,
) -> None:
    """Play every cell of a grid, as if none had been run, against a model of a cluster."""
    try:
        model = load_cluster(cluster)
        rows = read(results, columns=PLANNING) if results else SCHEMA.empty_table().to_pandas()
        planning = plan_all(expand(load_grid(grid), Filters(), beside(grid)), rows)
        show_planning(planning)
        plan = planning.plan
        show_outcome(play(plan.run, plan.samples.values(), model, rows, seed))
    except (BadInput, StoreError) as error:
        errors.print(str(error), style="red", markup=False)
        raise typer.Exit(ExitCode.USAGE) from None


def show_planning(planning: Planning) -> None:
    plan = planning.plan
    console.print(f"{plan.cells} cells: {len(plan.run)} to run, {len(plan.skip)} skipped")
    console.print(f"planned in {planning.seconds:.1f} s and {planning.peak_bytes / 2**20:.0f} MiB")


def show_outcome(outcome: Outcome) -> None:
    for likeness, drawn in outcome.likeness.most_common():
        console.print(f"  durations drawn from cells {likeness}: {drawn}")
    console.print(f"makespan {clock(outcome.makespan_s)}")
    console.print(f"processors taken {outcome.cpu_share:.1%} of the time")
    if outcome.gpu_share is not None:
        console.print(f"cards taken {outcome.gpu_share:.1%} of the time")
    console.print(f"cost {outcome.cost:,.2f}")
    told = ", ".join(f"{number} {status}" for status, number in outcome.attempts.most_common())
    console.print(f"{outcome.attempts.total()} attempts at {outcome.cells} cells: {told}")
    console.print(f"lost: {clock(outcome.lost_s)} of work, {outcome.unfinished} cells for good")
    console.print(f"played in {outcome.driver_s:.1f} s")


if __name__ == "__main__":
    app()
