"""However a command ends, it ends with a sentence and one of four exit codes, and never with a traceback."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pcsim.cli import ending, main
from pcsim.cli.ending import ended, written
from pcsim.errors import DeadlockError, InputError, Interrupted, Problem
from tests.helpers.door import on_console

FULL = "pcsim: standard output did not take all of the text: no space left on device\n"
SHORT = ["--set", "training.epochs=1", "--set", "training.seeds=1"]


def end_of(error, capsys):
    """(exit code, standard error) of a command that raises ``error``."""

    def command():
        raise error

    code = ended(command)
    printed, told = capsys.readouterr()
    assert printed == ""
    assert "Traceback" not in told
    return code, told


def kept_file(told):
    return Path(told.partition("and the file ")[2].partition(", which holds")[0])


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (InputError((Problem("a must be 1, not 2"),)), 2, "pcsim: a must be 1, not 2\n"),
        (DeadlockError("it stopped"), 3, "pcsim: it stopped\n"),
        (Interrupted("interrupted; kept"), 130, "pcsim: interrupted; kept\n"),
        (KeyboardInterrupt(), 130, "pcsim: interrupted\n"),
        (click.Abort(), 130, "pcsim: interrupted\n"),
        (click.exceptions.Exit(0), 0, ""),
        (click.exceptions.Exit(3), 3, ""),
        (click.exceptions.Exit(1), 3, ""),
        (click.ClickException("no"), 2, "Error: no\n"),
        (click.UsageError("no such option"), 2, "Error: no such option\n"),
        (click.FileError("a", "gone"), 2, "Error: Could not open file 'a': gone\n"),
        (SystemExit(None), 0, ""),
        (SystemExit(2), 2, ""),
        (SystemExit(1), 3, ""),
        (SystemExit("why"), 3, ""),
        (
            OSError(errno.ENOSPC, "No space left on device", "a/b"),
            3,
            "pcsim: a/b could not be read or written: no space left on device\n",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", b"b\xff"),
            3,
            "pcsim: b? could not be read or written: permission denied\n",
        ),
        (
            OSError(errno.EMFILE, "Too many open files"),
            3,
            "pcsim: a file could not be read or written: too many open files\n",
        ),
        (
            MemoryError("Unable to allocate 3 TiB"),
            3,
            "pcsim: this machine does not have enough memory for the command (Unable to allocate 3 TiB); a "
            "smaller batch, fewer seeds side by side or fewer processes (--jobs) take less\n",
        ),
        (
            ModuleNotFoundError("No module named 'numba'", name="numba.core"),
            3,
            "pcsim: numba is needed and cannot be imported (No module named 'numba'); "
            "install pcsim anew: pip install --force-reinstall pcsim\n",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_what_is_known_to_go_wrong_ends_as_its_sentence(error, code, told, capsys):
    assert end_of(error, capsys) == (code, told)


def deep(n=0):
    return deep(n + 1)


@pytest.mark.parametrize(
    "raised",
    [
        lambda: {}["abc"],
        lambda: [][3],
        lambda: 1 / 0,
        lambda: deep(),
        lambda: b"\xff".decode(),
        lambda: "\udcff".encode(),
        lambda: os.stat("\0"),
        lambda: next(iter(())),
        lambda: os.fstat(99999),
        lambda: (_ for _ in ()).throw(BaseException("odd")),
        lambda: (_ for _ in ()).throw(EOFError()),
        lambda: (_ for _ in ()).throw(BrokenPipeError(errno.EPIPE, "Broken pipe")),
        lambda: (_ for _ in ()).throw(ExceptionGroup("two", [KeyError("a"), ValueError("b")])),
        lambda: (_ for _ in ()).throw(ImportError("cannot import", name="pcsim.gone")),
    ],
)
def test_whatever_else_happens_is_told_with_a_file_to_report(raised, capsys):
    try:
        raised()
    except BaseException as error:
        kind = type(error).__name__
        code, told = end_of(error, capsys)
    assert code == 3
    if told.startswith("pcsim: a file could not be read or written: "):
        return
    assert told.startswith(f"pcsim: a fault of pcsim ended the command ({kind}")
    assert "please report this, with the command and the file " in told
    assert told.count("\n") == 1
    text = kept_file(told).read_text(encoding="utf-8")
    assert text.startswith("command: ")
    assert f"{kind}" in text
    assert "Traceback" in text


def test_an_error_that_cannot_say_what_it_is_is_told_all_the_same(capsys):
    class Mute(Exception):
        def __str__(self):
            raise ValueError

    code, told = end_of(Mute(), capsys)
    assert (code, told.startswith("pcsim: a fault of pcsim ended the command (Mute, in ")) == (
        3,
        True,
    )


def test_a_long_error_is_cut_and_of_many_lines_the_first_is_told(capsys):
    _, told = end_of(ValueError("x" * 5000 + "\nsecond"), capsys)
    assert f"({'ValueError: ' + 'x' * ending.LONGEST}..., in " in told


def test_where_no_file_can_be_written_the_place_is_told(capsys, monkeypatch):
    def refuse(path, content):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ending, "_write_whole", refuse)
    code, told = end_of(ValueError("odd"), capsys)
    assert code == 3
    assert told.startswith(
        "pcsim: a fault of pcsim ended the command (ValueError: odd, in pcsim/cli/ending.py:"
    )
    assert told.endswith("with the command and this place; PCSIM_DEBUG=1 shows more\n")


def test_where_the_cache_cannot_be_written_the_file_lies_with_other_temporary_ones(
    capsys, monkeypatch, tmp_path
):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("PCSIM_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    _, told = end_of(ValueError("odd"), capsys)
    assert kept_file(told).parent == tmp_path


def test_debug_shows_the_traceback(capsys, monkeypatch):
    monkeypatch.setenv("PCSIM_DEBUG", "1")

    def command():
        raise ValueError("odd")

    assert ended(command) == 3
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "\nValueError: odd\n" in told


def test_what_was_written_before_it_failed_is_told(capsys):
    def command():
        written("the report is in reports/a")
        raise MemoryError

    assert ended(command) == 3
    assert capsys.readouterr().err.endswith("take less; the report is in reports/a\n")
    assert ended(lambda: None) == 0
    _, told = end_of(KeyboardInterrupt(), capsys)
    assert told == "pcsim: interrupted\n"


def test_a_library_that_ends_the_process_is_an_error_like_any_other(monkeypatch):
    def leave(_chip):
        raise SystemExit(0)

    monkeypatch.setattr("pcsim.intake.examined", leave)
    done = CliRunner().invoke(main, ["check", "tile64"], prog_name="pcsim")
    assert done.exit_code == 3
    assert (
        "pcsim: a fault of pcsim ended the command (ExitAsked: a library called sys.exit(0)"
        in done.stderr
    )


def test_without_the_last_handler_errors_are_the_callers():
    with pytest.raises(InputError):
        main(["rum"], prog_name="pcsim", standalone_mode=False)


# --- Real processes ---


def process(*arguments, code="from pcsim.__main__ import main; main()", **options):
    script = f"import sys; sys.argv = ['pcsim', *{list(arguments)!r}]\n{code}"
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "timeout": 120, **options}
    done = subprocess.run([sys.executable, "-c", script], text=True, **options)
    assert "Traceback" not in (done.stderr or "")
    return done.returncode, done.stdout, done.stderr


def test_a_reader_that_has_had_enough_is_no_error(tmp_path):
    for verb in ("technology horowitz-45nm", "list", "--help", "run --help", "--version"):
        done = subprocess.run(
            ["bash", "-c", f"{sys.executable} -m pcsim {verb} | true; echo ${{PIPESTATUS[0]}}"],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert (done.stdout, done.stderr) == ("0\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_a_full_standard_output_is_told():
    with open("/dev/full", "w") as full:
        code, _, told = process("list", stdout=full)
    assert (code, told) == (3, FULL)


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
@pytest.mark.parametrize("verb", ["list", "--help", "--version", "run --help", "schema hardware"])
def test_every_verb_tells_of_a_full_standard_output(verb):
    code, _, told = on_console(*verb.split(), output="/dev/full")
    assert (code, told) == (3, FULL)


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_a_full_standard_output_loses_no_report(tmp_path):
    with open("/dev/full", "w") as full:
        code, _, told = process(
            "run", "tile64", "digits", *SHORT, "-o", "o", stdout=full, cwd=tmp_path
        )
    assert code == 3
    assert told.endswith("no space left on device; the report is in o\n")
    assert (tmp_path / "o" / "report.html").is_file()


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_what_was_closed_ends_nothing(closed, tmp_path):
    call = f"{sys.executable} -m pcsim run tile64 digits {' '.join(SHORT)} -o o {closed}; echo $?"
    done = subprocess.run(
        ["bash", "-c", call], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.splitlines()[-1] == "0"
    assert (tmp_path / "o" / "report.html").is_file()


def test_an_error_keeps_its_exit_code_where_nobody_can_be_told():
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m pcsim rum 2>&-; echo $?"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "2\n"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes that do not block")
def test_a_pipe_that_does_not_block_gets_all_of_the_text():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    running = subprocess.Popen(
        [sys.executable, "-m", "pcsim", "technology", "horowitz-45nm"],
        stdout=writer, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        printed = file.read()
    assert running.wait(timeout=60) == 0
    assert printed == process("technology", "horowitz-45nm")[1].encode()


@pytest.mark.parametrize(
    "library", ["click", "numpy", "numba", "simpy", "yaml", "pydantic", "rich"]
)
def test_a_library_that_is_missing_is_named(library, tmp_path):
    code = f"sys.modules[{library!r}] = None\nfrom pcsim.__main__ import main\nmain()"
    status, _, told = process("run", "tile64", "digits", *SHORT, "-o", "o", code=code, cwd=tmp_path)
    assert status == 3
    last = told.splitlines()[-1]
    assert last.startswith(f"pcsim: {library} is needed and cannot be imported (")
    assert "pip install --force-reinstall pcsim" in last


def test_a_library_that_breaks_while_it_is_imported_is_a_fault_with_details(tmp_path):
    (tmp_path / "numba.py").write_text("raise ValueError('no such processor')\n")
    code, _, told = process("run", "tile64", "digits", *SHORT, cwd=tmp_path)
    assert code == 3
    assert "(ValueError: no such processor, in pcsim/" in told
    assert "no such processor" in kept_file(told.splitlines()[-1]).read_text()


def test_a_fault_after_the_report_says_where_that_is(here, monkeypatch):
    def fail(*_, **__):
        raise KeyError("gone")

    monkeypatch.setattr("pcsim.report.console.screen", fail)
    status, _, told = on_console("run", "tile64", "digits", *SHORT, "-o", "o", "--full")
    assert status == 3
    assert told.endswith("which holds the details; the report is in o\n")
    assert "Traceback" not in told


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interruption_while_libraries_are_imported_is_one_sentence(tmp_path):
    (tmp_path / "pydantic.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    )
    running = subprocess.run(
        [sys.executable, "-m", "pcsim", "run", "tile64", "digits"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    assert running.returncode == 130
    assert running.stderr.splitlines()[-1] == "pcsim: interrupted"
    assert "Traceback" not in running.stderr
