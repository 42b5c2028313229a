"""``pcsim list``: what comes along."""

from __future__ import annotations

import click


@click.command("list")
def command() -> None:
    """Name the shipped chips, workloads and technologies."""
    from pcsim.config import shipped
    from pcsim.technology import available

    names = {
        "hardware": shipped("hardware"),
        "workloads": shipped("workload"),
        "technologies": available(),
    }
    for kind, known in names.items():
        click.echo(f"{kind}: {', '.join(known)}")
