"""The verbs about files: list, new, technology, schema, completion."""

import errno
import json
from pathlib import Path

import jsonschema
import pytest
from click.shell_completion import ShellComplete

from pcsim.cli import main
from pcsim.cli.list import first_sentence, opening_words
from pcsim.config import ComputeUnit, json_schema, load_any, load_hardware, load_workload, shipped
from pcsim.config.compute.kinds import SHIPPED
from pcsim.config.marks import plain
from pcsim.config.meanings import MEANINGS
from pcsim.config.reading import read_tree
from pcsim.config.schema import FILES
from pcsim.config.section import Section, fields_by_key
from pcsim.network import RULES
from pcsim.technology import available, dram_kinds
from pcsim.units import DIMENSIONS, exact_quantity, parse_quantity, quantity_pattern
from tests.helpers.door import pcsim

# --- list ---


def test_list_names_everything_shipped_with_a_line_about_it():
    done = pcsim("list")
    lines = done.output.splitlines()
    assert [line for line in lines if line[0] != " "] == [
        "hardware:",
        "workloads:",
        "technologies:",
        "rules:",
    ]
    entries = [line.split(maxsplit=1) for line in lines if line[0] == " "]
    names = [*shipped("hardware"), *shipped("workload"), *available(), *RULES]
    assert [name for name, _ in entries] == names
    assert all(about for _, about in entries)
    about = dict(entries)
    assert about["tile64"] == "A small digital training chip"
    assert about["ideal"] == "tile64 without limits"
    assert about["digits"] == "Small 8x8 digits through two hidden layers of 64"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("# One chip. Another.\nname: x\n", "One chip"),
        ("# A chip that goes\n# on: over lines.\nname: x\n", "A chip that goes on"),
        ("# No full stop\n", "No full stop"),
        ("name: x\n# too late\n", ""),
    ],
)
def test_a_file_is_introduced_by_how_its_first_comment_begins(tmp_path, text, words):
    (tmp_path / "a.yaml").write_text(text)
    assert opening_words(tmp_path / "a.yaml") == words


def test_a_sentence_ends_before_the_blank_behind_its_full_stop():
    assert first_sentence("0.9 to 1.1 V. More.") == "0.9 to 1.1 V"
    assert first_sentence("All of it.") == "All of it"


# --- new ---


def test_new_copies_the_default_chip_with_its_comments_under_a_new_name(here):
    done = pcsim("new", "mine")
    assert (done.exit_code, done.output) == (
        0,
        "mine.yaml: a copy of tile64; try: pcsim run mine.yaml mlp128\n",
    )
    original = shipped("hardware")["tile64"].read_text().splitlines()
    copy = (here / "mine.yaml").read_text().splitlines()
    changed = [(a, b) for a, b in zip(original, copy, strict=True) if a != b]
    assert changed == [("name: tile64", "name: mine")]
    assert load_hardware("mine.yaml").name == "mine"


@pytest.mark.parametrize("kind", ["hardware", "workload"])
def test_every_shipped_file_can_be_copied_and_says_the_same_but_its_name(here, kind):
    for base in shipped(kind):
        assert pcsim("new", f"my-{base}", f"--{kind}", base).exit_code == 0
        copy, original = load_any(f"my-{base}.yaml"), load_any(base)
        assert copy.name == f"my-{base}"
        assert copy.model_copy(update={"name": base}) == original


def test_new_leaves_a_file_that_is_there_alone(here):
    (here / "mine.yaml").write_text("precious")
    done = pcsim("new", "mine")
    assert (done.exit_code, done.output) == (
        2,
        "pcsim: mine.yaml must not be there yet\n    choose another name, or remove it\n",
    )
    assert (here / "mine.yaml").read_text() == "precious"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("a/b",),
            "NAME must be a name of at most 64 letters, digits, '.', '_' and '-', not 'a/b'",
        ),
        (
            ("digits",),
            "NAME must not be the name of a shipped file, as 'digits' is\n"
            "    two of one name could not be told apart",
        ),
        (
            ("x", "--hardware", "tile46"),
            f"--hardware must be one of {', '.join(shipped('hardware'))}, not 'tile46'\n"
            "    did you mean 'tile64'?",
        ),
    ],
)
def test_new_refuses_what_it_cannot_write(here, arguments, message):
    done = pcsim("new", *arguments)
    assert (done.exit_code, done.output) == (2, f"pcsim: {message}\n")
    assert list(here.iterdir()) == []


def test_new_copies_one_thing_at_a_time(here):
    done = pcsim("new", "x", "--hardware", "tile64", "--workload", "digits")
    assert (done.exit_code, done.output) == (
        2,
        "pcsim: --hardware and --workload must not be given together\n",
    )


def test_new_says_why_nothing_can_be_written(here):
    from pcsim.cli.new import write_new
    from pcsim.errors import InputError

    with pytest.raises(InputError, match=r"^missing/x.yaml must be writable \(no such file"):
        write_new(Path("missing/x.yaml"), "text")


def test_a_file_that_cannot_be_written_whole_is_not_left_behind(here, monkeypatch):
    from pcsim.cli.new import write_new
    from pcsim.errors import OutputError

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pcsim.writing.os.fsync", full)
    with pytest.raises(OutputError, match=r"^mine.yaml could not be written \(no space left"):
        write_new(Path("mine.yaml"), "text")
    assert list(here.iterdir()) == []


# --- technology ---


@pytest.mark.parametrize("name", available())
def test_technology_prints_every_cost_and_every_source(name):
    from pcsim.technology import Technology

    table = Technology.load(name)
    printed = pcsim("technology", name).output
    assert printed.startswith(f"{name}: {table.summary}\n\n| cost | value |")
    for key in table.costs:
        assert f"| {key}" in printed
    for source, text in table.sources.items():
        assert f"- **{source}** {text}" in printed


def test_technology_dram_prints_every_kind():
    printed = pcsim("technology", "dram").output
    for kind in dram_kinds():
        assert f"- `{kind}`: read_byte = " in printed


def test_an_unknown_technology_is_a_sentence():
    done = pcsim("technology", "horowitz-45")
    assert (done.exit_code, done.output) == (
        2,
        "pcsim: technology must be the name of a table, not 'horowitz-45'\n"
        "    did you mean horowitz-45nm?\n",
    )


# --- schema ---


def validator(kind):
    schema = json_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def written(kind, name):
    return plain(read_tree(shipped(kind)[name])[0])


@pytest.mark.parametrize("kind", FILES)
def test_the_schema_is_printed_as_json(kind):
    assert json.loads(pcsim("schema", kind).output) == json_schema(kind)


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in FILES for name in shipped(kind)]
)
def test_every_shipped_file_is_valid_as_written(kind, name):
    validator(kind).validate(written(kind, name))


@pytest.mark.parametrize("kind", FILES)
def test_what_is_written_down_of_a_loaded_file_is_valid(kind):
    from pcsim.config import to_plain

    load = {"hardware": load_hardware, "workload": load_workload}[kind]
    for name in shipped(kind):
        validator(kind).validate(to_plain(load(name)))


BROKEN = [
    ("hardware", "tiles.sram", "sizes", "64 KiB"),
    ("hardware", "tiles.sram", "size", "64 KHz"),
    ("hardware", "tiles.sram", "size", 65536),
    ("hardware", "tiles.sram", "size", "endless"),
    ("hardware", "tiles.sram", "priced_as", "64 KiB"),
    ("hardware", "tiles.compute", "kind", "sytolic"),
    ("hardware", "tiles.compute", "rows", 0),
    ("hardware", "tiles.compute", "transposable", False),
    ("hardware", "tiles.compute", "transpose", "copy"),
    ("hardware", "tiles.compute", "lanes", 8),
    ("hardware", "tiles.vector", "latency", "4 ns"),
    ("hardware", "tiles", "mesh", [8]),
    ("hardware", "dram", "bandwidth", "12.8 GB"),
    ("hardware", "", "name", "two words"),
    ("hardware", "", "schema", "pcsim/workload/1"),
    ("hardware", "", "costs", {"array.mac": {"energy": "1 pJ"}}),
    ("hardware", "", "costs", {"array.mac": {"energy": "1 pJ", "power": "1 W", "source": "x"}}),
    ("hardware", "", "costs", {"array.mac": {"energy": "1 pJ", "low": "1 W", "source": "x"}}),
    ("hardware", "", "costs", {"array.mac": {"energy": "1 W", "source": "x"}}),
    ("workload", "network", "layers", [784]),
    ("workload", "network", "activation", "rellu"),
    ("workload", "training", "target_accuracy", 1.5),
    ("workload", "training", "batch", "64"),
    ("workload", "data", "normalise", "yes"),
    ("workload", "data", "dataset", "mnist"),
    ("workload", "pc", "stepz", 3),
    ("workload", "pc", "rate", 0),
    ("workload", "", "extends", 3),
]


@pytest.mark.parametrize(("kind", "path", "key", "value"), BROKEN)
def test_what_our_own_reading_refuses_the_schema_refuses(kind, path, key, value, here):
    base = {"hardware": "tile64", "workload": "mlp128"}[kind]
    tree = written(kind, base)
    section = tree
    for part in path.split(".") if path else ():
        section = section[part]
    assert validator(kind).is_valid(tree)
    section[key] = value
    (here / "broken.yaml").write_text(json.dumps(tree))
    with pytest.raises(Exception, match=rf"{key}|costs|schema"):
        load_any("broken.yaml")
    assert not validator(kind).is_valid(tree)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"tiles": {"vector": {"lanes": 64}}},
        {"tiles": {"sram": {"size": "unlimited", "priced_as": "64 KiB"}}},
        {"costs": {"array.mac": {"energy": "1 pJ", "low": "0.5 pJ", "source": "ours"}}},
        {"clock": "1.5GHz"},
        {"tiles": {"compute": {"rows": 8}}},
        {"tiles": {"compute": {"kind": "serial", "cores": 8, "transposable": True}}},
    ],
)
def test_a_file_that_extends_says_only_what_differs(change, here):
    tree = {"schema": "pcsim/hardware/1", "name": "x", "extends": "tile64", **change}
    (here / "x.yaml").write_text(json.dumps(tree))
    load_hardware("x.yaml")
    validator("hardware").validate(tree)
    tree["tiles"] = {"vector": {"lane": 64}}
    assert not validator("hardware").is_valid(tree)


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_extends_nothing_says_everything_required(kind):
    tree = written(kind, {"hardware": "tile64", "workload": "mlp128"}[kind])
    for key in tree:
        assert not validator(kind).is_valid({k: v for k, v in tree.items() if k != key})


def sections():
    found, open_ends = {}, list(FILES.values())
    while open_ends:
        model = open_ends.pop()
        found[model.__name__] = model
        for field in model.model_fields.values():
            if field.annotation is ComputeUnit:
                open_ends += SHIPPED
                continue
            for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
                if isinstance(part, type) and issubclass(part, Section):
                    open_ends.append(part)
    return found


def test_every_key_of_every_section_has_a_meaning_and_nothing_else_has():
    keys = {name: list(fields_by_key(model)) for name, model in sections().items()}
    assert {name: sorted(said) for name, said in MEANINGS.items()} == {
        name: sorted(known) for name, known in keys.items()
    }


@pytest.mark.parametrize("unit", DIMENSIONS)
def test_the_pattern_of_a_quantity_is_what_is_read_as_one(unit):
    import re

    pattern = re.compile(quantity_pattern(unit))
    names = list(DIMENSIONS[unit].units)
    good = [f"1 {name}" for name in names] + [f" 2{names[-1]} ", f"+.5e12 {names[-1]}"]
    good += [exact_quantity(3, unit), DIMENSIONS[unit].example]
    for text in good:
        assert pattern.search(text), text
        parse_quantity(text, unit)
    for text in (
        "1",
        "",
        names[0],
        f"1 {names[0]}x",
        f"one {names[0]}",
        "1 parsec",
        f"1 2 {names[0]}",
    ):
        assert not pattern.search(text), text
        with pytest.raises(ValueError):
            parse_quantity(text, unit)


# --- completion ---


def completions(*words):
    *given, incomplete = words
    complete = ShellComplete(main, {}, "pcsim", "_PCSIM_COMPLETE")
    return [item.value for item in complete.get_completions(list(given), incomplete)]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(shell):
    done = pcsim("completion", shell)
    assert done.exit_code == 0
    assert f"_PCSIM_COMPLETE={shell}_complete" in done.output


def test_another_shell_is_refused():
    done = pcsim("completion", "tcsh")
    assert done.exit_code == 2
    assert done.output.endswith(
        "Error: Invalid value for '{bash|zsh|fish}': 'tcsh' is not one of 'bash', 'zsh', 'fish'.\n"
    )


def test_words_complete_to_verbs_options_and_shipped_names():
    assert completions("re") == ["report"]
    assert completions("run", "ti") == ["tile64"]
    assert completions("run", "tile64", "mlp") == ["mlp128"]
    assert completions("check", "") == [*shipped("hardware"), *shipped("workload")]
    assert completions("new", "mine", "--workload", "dig") == ["digits"]
    assert completions("technology", "hor") == ["horowitz-45nm"]
    assert completions("run", "--ru") == ["--rule"]


def test_a_word_that_begins_no_name_may_be_a_file():
    complete = ShellComplete(main, {}, "pcsim", "_PCSIM_COMPLETE")
    (found,) = complete.get_completions(["run"], "./m")
    assert (found.value, found.type) == ("./m", "file")


def test_completing_imports_nothing_heavy():
    from tests.cli.test_help import modules_after

    code = (
        "import os\nos.environ |= "
        "dict(_PCSIM_COMPLETE='bash_complete', COMP_WORDS='pcsim run ti', COMP_CWORD='2')\n"
        "from pcsim.__main__ import main\nsys.argv = ['pcsim']\n"
        "try: main()\nexcept SystemExit: pass"
    )
    assert modules_after(code) == (["click"], "plain,tile64\n")
