"""The command line without a process of its own."""

import sys
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from pcsim.__main__ import main as start
from pcsim.cli import main


def pcsim(*words):
    """What ``pcsim`` does with these words; nothing but an exit may come out of it."""
    done = CliRunner().invoke(main, [str(word) for word in words], prog_name="pcsim")
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def on_console(*words, encoding="utf-8", output=None):
    """(exit code, standard output, standard error) of ``python -m pcsim`` with these words on a console of this
    encoding, without a process of its own: both streams are files, set up as those of a process are.

    ``output`` is the path of the file that standard output goes to; None for one that is thrown away.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        open(output or f"{folder}/out", "w", encoding=encoding) as out,
        open(f"{folder}/err", "w", encoding=encoding, errors="backslashreplace") as err,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(sys, "argv", ["pcsim", *words])
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        code = 0
        try:
            start()
        except SystemExit as exit:
            code = exit.code
        sys.stdout.flush()
        sys.stderr.flush()
        printed = "" if output else Path(folder, "out").read_bytes().decode(encoding)
        return code, printed, Path(folder, "err").read_bytes().decode(encoding)
