"""A console that lacks a letter gets its closest ASCII, whatever prints and whatever the encoding."""

import contextlib
import io
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import click
import pytest

import pcsim
from pcsim.cli.letters import ASCII, CLOSEST, LETTERS, closest, in_ascii
from pcsim.cli.streams import fitted
from pcsim.cli.verbs import VERBS
from tests.helpers.door import on_console

NARROW = [
    "ascii", "gbk", "cp932", "euc-kr", "koi8-r", "iso-8859-2", "latin-1", "cp437", "cp850", "cp866",
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1255", "cp874", "big5", "euc-jp", "shift_jis", "cp949",
    "mac-roman",
]  # fmt: skip
SIGNS = "1.5 µs, 2 μJ, 3 J·s, 4 ± 1, x², ─│┼●█▓▶−…, η 10ᵏ, naïve Ærø, 李, \udcff"


def shown(text, encoding):
    """What a console of this encoding gets to see of ``text``, by every way of printing."""
    ways = {
        "print": lambda out: print(text, file=out),
        "click": lambda out: click.echo(text, file=out),
        "rich": lambda out: _rich(text, out),
    }
    found = {}
    for name, way in ways.items():
        raw = io.BytesIO()
        out = fitted(io.TextIOWrapper(raw, encoding, write_through=True), 1)
        way(out)
        out.flush()
        found[name] = raw.getvalue().decode(encoding).rstrip("\r\n")
    return found


def _rich(text, out):
    from rich.console import Console
    from rich.text import Text

    Console(file=out, width=500).print(Text(text))


def expected(text, encoding):
    """Letter by letter: itself where the encoding has it, else the closest ASCII."""

    def one(letter):
        try:
            return letter.encode(encoding).decode(encoding)
        except UnicodeEncodeError:
            return closest(letter)

    return "".join(map(one, text))


@pytest.mark.parametrize("encoding", [*NARROW, "utf-8", "utf-16", "cp65001"])
def test_every_way_of_printing_shows_what_the_encoding_has_and_else_the_closest(encoding):
    if encoding == "cp65001" and sys.platform != "win32":
        encoding = "utf-8"
    assert set(shown(SIGNS, encoding).values()) == {expected(SIGNS, encoding)}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1.5 µs", "1.5 us"),
        ("J·s", "J*s"),
        ("─────", "-----"),
        ("│─●─", "|-o-"),
        ("┌┼╣╬┘", "+++++"),
        ("━ ═ ║ ╎ ╴ ╵", "- - | | - |"),
        ("2×3²", "2x3^2"),
        ("█▓░", "###"),
        ("café", "cafe"),
        ("ﬁne\u00a0½", "fine 1/2"),
        ("李", "?"),
        ("a\udcff", "a?"),
    ],
)
def test_the_closest_is_what_one_would_type(text, plain):
    assert in_ascii(text) == plain


def test_the_table_holds_ascii_alone_and_no_letter_that_needs_none():
    for letter, plain in LETTERS.items():
        assert len(letter) == 1 and not letter.isascii()
        assert plain.isascii() and plain.isprintable()


def test_every_letter_that_pcsim_prints_has_one():
    """All of pcsim's own texts: no sign of ours is ever shown as a question mark."""
    package = Path(pcsim.__file__).parent
    files = [*package.rglob("*.py"), *package.rglob("*.yaml"), *package.rglob("*.j2")]
    files += [*(package.parent / "hw_configs").glob("*"), *(package.parent / "workloads").glob("*")]
    used = {letter for path in files if path.is_file() for letter in path.read_text("utf-8")}
    lacking = {
        letter
        for letter in used
        if not letter.isascii()
        and unicodedata.category(letter)[0] != "Z"
        and "?" in closest(letter)
    }
    assert lacking == set()


def test_words_that_cannot_be_encoded_are_not_confused_with_those_that_cannot_be_decoded():
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("utf-8", CLOSEST)


def test_our_name_for_ascii_is_ascii():
    assert "aµ".encode(ASCII, CLOSEST) == b"au"
    assert b"a".decode(ASCII) == "a"


# --- All verbs, as processes and as if they were ---

QUICK = {
    "run": ["tile64", "digits", "--set", "training.epochs=1", "--set", "training.seeds=2", "-o", "o"],
    "sweep": ["tile64", "digits", "--axis", "pc.steps=1,2", "--timing-only", "-o", "s"],
    "search": ["tile64", "digits", "--axis", "pc.steps=1,2", "--timing-only", "-o", "f"],
    "experiment": ["--list"],
    "tune": ["digits", "--budget", "1", "--epochs", "1", "-o", "t"],
    "check": ["tile64", "digits"],
    "report": ["o"],
    "explain": ["o", "energy"],
    "list": [],
    "new": ["mine"],
    "technology": ["horowitz-45nm"],
    "schema": ["hardware"],
    "doctor": [],
    "completion": ["bash"],
}  # fmt: skip


def process(folder, *arguments, encoding, **environment):
    done = subprocess.run(
        [sys.executable, "-m", "pcsim", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONIOENCODING": encoding, **environment},
        capture_output=True,
        timeout=300,
    )
    return done.returncode, done.stdout.decode(encoding), done.stderr.decode(encoding)


def ends(folder, *arguments, encoding):
    """As ``process``, without one."""
    with contextlib.chdir(folder):
        return on_console(*arguments, encoding=encoding)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """A folder with a report in it."""
    folder = tmp_path_factory.mktemp("encodings")
    code, _, said = process(folder, "run", *QUICK["run"], encoding="utf-8")
    assert code == 0, said
    return folder


def test_every_verb_is_tried():
    assert set(QUICK) == set(VERBS)


@pytest.mark.parametrize("verb", QUICK)
def test_every_verb_ends_well_on_a_console_of_ascii(verb, here):
    arguments = ["other"] if verb == "new" else QUICK[verb]
    code, printed, said = ends(here, verb, *arguments, encoding="ascii")
    assert (code, "Traceback" in said) == (0, False), said
    assert printed


@pytest.mark.parametrize("encoding", ["gbk", "cp932", "euc-kr", "koi8-r", "iso-8859-2", "latin-1"])
def test_a_report_is_shown_in_other_letters_only(encoding, here):
    code, printed, _ = ends(here, "report", "o", encoding=encoding)
    assert code == 0
    assert in_ascii(printed) == ends(here, "report", "o", encoding="ascii")[1]


@pytest.mark.parametrize("encoding", ["ascii", "gbk"])
def test_a_process_shows_the_same_and_nothing_else(encoding, here):
    shown = process(here, "report", "o", encoding=encoding)
    assert shown == ends(here, "report", "o", encoding=encoding)


def test_json_is_the_same_on_every_console(here):
    arguments = [*QUICK["run"], "--json"]
    printed = {
        process(here, "run", *arguments, encoding="ascii")[1],
        ends(here, "run", *arguments, encoding="cp932")[1],
    }
    assert printed == {(here / "o" / "summary.json").read_text("utf-8")}


def test_help_is_ascii():
    for verb in VERBS:
        code, printed, _ = ends(Path(), verb, "--help", encoding="utf-8")
        assert code == 0
        assert printed.isascii()


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "koi8-r"])
@pytest.mark.skipif(sys.platform == "win32", reason="names are text there")
def test_a_name_that_is_no_text_can_be_told(encoding, here):
    name = os.fsdecode(b"no\xff\xb5.yaml")
    code, _, said = process(here, "run", "tile64", name, encoding=encoding)
    assert code == 2
    assert said.startswith("pcsim: workload must be ")


@pytest.mark.skipif(sys.platform == "win32", reason="names are text there")
def test_a_report_can_lie_in_a_folder_whose_name_is_no_text(here):
    name = os.fsdecode(b"o\xff\xc2\xb5")
    arguments = [*QUICK["run"][:-1], name]
    code, printed, said = process(here, "run", *arguments, encoding="ascii")
    assert code == 0, said
    assert "o?u/report.html" in printed
    assert (here / name / "report.html").is_file()


def test_the_c_locale_without_utf8_is_a_console_of_ascii(here):
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "pcsim", "report", "o"],
        cwd=here, env={**os.environ, **environment}, capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "uJ" in done.stdout.decode("ascii")
