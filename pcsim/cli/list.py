"""``pcsim list``: what comes along."""

from __future__ import annotations

import itertools
from pathlib import Path

import click

from pcsim.shipped import shipped


@click.command("list")
def command() -> None:
    """Name the shipped chips, workloads, technologies and learning rules, each with a line about it."""
    from pcsim.network import RULES
    from pcsim.technology import Technology, available

    about = {
        "hardware": {name: opening_words(path) for name, path in shipped("hardware").items()},
        "workloads": {name: opening_words(path) for name, path in shipped("workload").items()},
        "technologies": {
            name: first_sentence(Technology.load(name).summary) for name in available()
        },
        "rules": {name: rule.title for name, rule in RULES.items()},
    }
    width = max(len(name) for lines in about.values() for name in lines)
    for kind, lines in about.items():
        click.echo(f"{kind}:")
        for name, line in lines.items():
            click.echo(f"  {name:<{width}}  {line}")


def opening_words(path: Path) -> str:
    """The comment that a file opens with, up to the first colon or the end of its first sentence."""
    lines = path.read_text(encoding="utf-8").splitlines()
    opening = itertools.takewhile(lambda line: line.startswith("#"), lines)
    return first_sentence(" ".join(line.lstrip("# ") for line in opening).partition(": ")[0])


def first_sentence(text: str) -> str:
    """``text`` up to the end of its first sentence, without the full stop."""
    return text.partition(". ")[0].removesuffix(".")
