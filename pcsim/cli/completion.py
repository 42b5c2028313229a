"""``pcsim completion``: the shell's own script that completes verbs, options and shipped names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from pcsim.cli.verbs import COMPLETION


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that lets SHELL complete what follows pcsim.

    \b
    bash: echo 'eval "$(pcsim completion bash)"' >> ~/.bashrc
    zsh:  echo 'eval "$(pcsim completion zsh)"' >> ~/.zshrc
    fish: pcsim completion fish > ~/.config/fish/completions/pcsim.fish
    """
    script = get_completion_class(shell)
    assert script is not None, "click knows the three shells"
    click.echo(script(ctx.find_root().command, {}, "pcsim", COMPLETION).source())
