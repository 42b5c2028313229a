"""``pcsim technology``: the table behind the joules."""

from __future__ import annotations

import click

from pcsim.cli.options import ShippedName


@click.command("technology")
@click.argument("name", type=ShippedName("technology"))
def command(name: str) -> None:
    """Print the technology NAME as Markdown: every cost with its range, status, note and sources.

    The name dram prints what all kinds of DRAM cost and analog what the parts of crossbars do, which no
    technology changes, and cacti the runs behind the width of an SRAM's access.
    """
    from pcsim.technology import DramKind, Macros, Technology, dram_kinds, macros_markdown
    from pcsim.technology.analog import AnalogParts
    from pcsim.technology.listing import analog_markdown, dram_markdown, technology_markdown

    if name == "dram":
        click.echo(dram_markdown(DramKind.load(kind) for kind in dram_kinds()))
        return
    if name == "analog":
        click.echo(analog_markdown(AnalogParts.load()))
        return
    if name == "cacti":
        click.echo(macros_markdown(Macros.load()))
        return
    technology = Technology.load(name)
    click.echo(f"{technology.name}: {technology.summary}\n")
    click.echo(technology_markdown(technology))
