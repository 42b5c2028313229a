"""The command line without a process of its own."""

from click.testing import CliRunner

from pcsim.cli import main


def pcsim(*words):
    """What ``pcsim`` does with these words; nothing but an exit may come out of it."""
    done = CliRunner().invoke(main, [str(word) for word in words], prog_name="pcsim")
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done
