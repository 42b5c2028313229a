"""``pcsim schema``: what an editor needs to complete and check a file."""

from __future__ import annotations

import json

import click


@click.command("schema")
@click.argument("kind", type=click.Choice(["hardware", "workload"]))
def command(kind: str) -> None:
    """Print the JSON Schema of hardware or workload files.

    \b
    Keep it beside your files, and say so in the first line of each:
      pcsim schema hardware > hardware.schema.json
      # yaml-language-server: $schema=hardware.schema.json
    """
    from pcsim.config import json_schema

    click.echo(json.dumps(json_schema(kind), indent=2))
