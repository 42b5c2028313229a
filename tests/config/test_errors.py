"""Every mistake in a file is told at once, at its place, with what would be right."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pcsim.config import (
    Hardware,
    Sram,
    Vector,
    Workload,
    assign_overrides,
    candidates,
    dump_yaml,
    load_any,
    load_both,
    load_hardware,
    load_workload,
    shipped,
)
from pcsim.config.marks import plain
from pcsim.config.section import mark_of
from pcsim.config.yaml_marks import DEEPEST, LARGEST_TEXT, MOST_VALUES, read_yaml
from pcsim.errors import InputError

CHIP, WORK = load_hardware("tile64"), load_workload("digits")
CHIP_TEXT, WORK_TEXT = dump_yaml(CHIP), dump_yaml(WORK)


def said(action) -> str:
    """What the user reads of the mistakes that ``action`` finds."""
    with pytest.raises(InputError) as caught:
        action()
    assert caught.value.exit_code == 2
    return str(caught.value)


def said_of(text: str, folder: Path, *, load=load_hardware) -> str:
    """The same for a file with this text, which is called f.yaml."""
    path = folder / "f.yaml"
    path.write_text(text, encoding="utf-8")
    return said(lambda: load(path)).replace(str(path), "f.yaml")


def setting(path: str, value: str, *, load=load_hardware) -> str:
    """The complaint about a shipped file with one value set, without the place."""
    override = f"{path}={value}"
    name = "tile64" if load is load_hardware else "digits"
    text = said(lambda: load(name, overrides=[override]))
    start = f"--set {override}: {path} "
    assert text.startswith(start)
    return text.removeprefix(start)


# --- The text ---


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: b: c",
            "f.yaml:1:5: the file must be valid YAML: a key cannot stand here\n"
            "    a: b: c\n"
            "        ^\n"
            "    begin it in the column of the keys beside it; put a text with ': ' in it in quotes",
        ),
        (
            "a: 1\n\tb: 2",
            "f.yaml:2:1: the file must be valid YAML: a tab stands here\n"
            "     b: 2\n"
            "    ^\n"
            "    indent by spaces",
        ),
        (
            "a: [1,\n  2",
            "f.yaml:1:4: the file must be valid YAML: this bracket is not closed, or a comma is "
            "missing behind it\n"
            "    a: [1,\n"
            "       ^\n"
            "    close it, and put commas between the items",
        ),
        (
            "a: 1\nb: \x07",
            "f.yaml:2:4: the file must be text, not '\\x07'\n    b:  \n       ^",
        ),
        (
            "a: !!python/object/apply:os.system [x]",
            "f.yaml:1:4: the file must be valid YAML: tags such as "
            "'tag:yaml.org,2002:python/object/apply:os.system' are not accepted\n"
            "    a: !!python/object/apply:os.system [x]\n"
            "       ^",
        ),
        (
            "a: !own x",
            "f.yaml:1:4: the file must be valid YAML: tags such as '!own' are not accepted\n"
            "    a: !own x\n"
            "       ^",
        ),
        (
            "a: *b",
            "f.yaml:1:4: the file must be valid YAML: no text begins with '*' or '&'\n"
            "    a: *b\n"
            "       ^\n"
            "    put the text in quotes",
        ),
        (
            "a: 1\n---\nb: 2",
            "f.yaml:2:1: the file must be valid YAML: a second document begins here\n"
            "    ---\n"
            "    ^\n"
            "    put it in a file of its own",
        ),
        (
            "&a [*a]",
            f"f.yaml:1:1: the file must be valid YAML: there are more than {DEEPEST} levels, "
            "aliases written out\n"
            "    &a [*a]\n"
            "    ^",
        ),
        ("", "f.yaml: the file must be a mapping of keys to values, not empty"),
        ("# nothing", "f.yaml: the file must be a mapping of keys to values, not empty"),
        (
            "just a word",
            "f.yaml:1:1: the file must be a mapping of keys to values, not 'just a word'\n"
            "    just a word\n"
            "    ^",
        ),
        (
            "x" * (LARGEST_TEXT + 1),
            f"f.yaml: the file must have at most {LARGEST_TEXT} bytes, not {LARGEST_TEXT + 1}",
        ),
    ],
)
def test_what_cannot_be_read_is_answered_with_its_place(text, message, tmp_path):
    assert said_of(text, tmp_path) == message


def test_deep_nesting_is_refused(tmp_path):
    text = "[" * 5000
    message = f"f.yaml:1:{DEEPEST + 2}: the file must be valid YAML: there are more than {DEEPEST}"
    assert said_of(text, tmp_path).startswith(f"{message} levels\n")


def test_aliases_that_multiply_are_refused(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 12)]
    assert f"there are more than {MOST_VALUES} values, aliases written out" in said_of(
        "\n".join(lines), tmp_path
    )


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_bytes(b"a: 1\nb: \xff")
    assert said(lambda: load_hardware(path)) == (
        f"{path}:2:4: the file must be UTF-8 text, not bytes such as 0xff\n"
        "    b: \N{REPLACEMENT CHARACTER}\n"
        "       ^"
    )


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fail(text):
    node, problems = read_yaml(text, file="x.yaml")
    assert node is not None or problems


def test_all_repeated_keys_are_told(tmp_path):
    text = CHIP_TEXT.replace("channels: 2", "channels: 2, channels: 2") + "clock: 1 GHz\n"
    line = text.count("\n")
    dram = next(
        index for index, row in enumerate(text.splitlines(), start=1) if "2, channels" in row
    )
    row = text.splitlines()[dram - 1]
    column = row.rindex("channels") + 1
    assert said_of(text, tmp_path) == (
        f"f.yaml:{dram}:{column}: dram.channels must be given once, not again\n"
        f"    {row}\n"
        f"    {' ' * (column - 1)}^\n"
        f"    first given on line {dram}\n"
        f"f.yaml:{line}:1: clock must be given once, not again\n"
        "    clock: 1 GHz\n"
        "    ^\n"
        "    first given on line 3"
    )


def test_a_key_that_is_no_word_is_refused(tmp_path):
    assert said_of(f"? [x]\n: 3\n{CHIP_TEXT}", tmp_path) == (
        "f.yaml:1:3: a key must be a word, not a list or a mapping\n    ? [x]\n      ^"
    )


# --- Values ---


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (
            "tiles.sram.size",
            "64 KiBs",
            "must be a size such as '64 KiB', not '64 KiBs'\n    did you mean 'KiB'?",
        ),
        (
            "tiles.sram.size",
            "65536",
            "must be a size such as '64 KiB', not 65536\n"
            "    units are B, kB, KiB, MB, MiB, GB, GiB, TB, TiB",
        ),
        ("tiles.sram.size", "0 B", "must be between 1 B and 1 TiB, not '0 B'"),
        ("tiles.sram.size", "2 TiB", "must be between 1 B and 1 TiB, not '2 TiB'"),
        ("tiles.sram.size", "0.1 B", "must be a whole number of bytes, not '0.1 B'"),
        (
            "tiles.sram.size",
            "unlimitted",
            "must be a size such as '64 KiB', not 'unlimitted'\n    did you mean 'unlimited'?",
        ),
        (
            "tiles.sram.size",
            "null",
            "must be a size such as '64 KiB', not null\n"
            "    units are B, kB, KiB, MB, MiB, GB, GiB, TB, TiB",
        ),
        (
            "clock",
            "500 Mhz",
            "must be a frequency such as '500 MHz', not '500 Mhz'\n    did you mean 'MHz'?",
        ),
        ("clock", "1 Hz", "must be between 1 kHz and 100 GHz, not '1 Hz'"),
        (
            "clock",
            "unlimited",
            "must be a frequency such as '500 MHz', not 'unlimited'\n"
            "    units are Hz, kHz, MHz, GHz, THz",
        ),
        (
            "tiles.vector.latency",
            "4",
            "must be a number of cycles such as '4 cycles', not 4\n    units are cycles, cycle",
        ),
        (
            "tiles.vector.latency",
            "-1 cycles",
            "must be between 0 cycles and 1000000 cycles, not '-1 cycles'",
        ),
        (
            "tiles.vector.lanes",
            "0",
            "must be a whole number between 1 and 65536 or unlimited, not 0",
        ),
        (
            "tiles.vector.lanes",
            "unlimitd",
            "must be a whole number between 1 and 65536 or unlimited, not 'unlimitd'\n"
            "    did you mean 'unlimited'?",
        ),
        (
            "tiles.vector.lanes",
            "null",
            "must be a whole number between 1 and 65536 or unlimited, not null",
        ),
        ("tiles.compute.rows", "true", "must be a whole number between 1 and 4096, not true"),
        (
            "tiles.compute.rows",
            "16.0",
            "must be a whole number between 1 and 4096, not 16.0\n    write 16",
        ),
        (
            "tiles.compute.rows",
            "'16'",
            "must be a whole number between 1 and 4096, not '16'\n    write 16",
        ),
        ("tiles.compute.transposable", "no", "must be true or false, not 'no'\n    write false"),
        (
            "tiles.compute.dataflow",
            "wsi",
            "must be os, ws or is, not 'wsi'\n    did you mean 'ws'?",
        ),
        ("tiles.compute.edges", "cut", "must be full or trimmed, not 'cut'"),
        (
            "tiles.compute.kind",
            "crosbar",
            "must be systolic, simd, crossbar or serial, not 'crosbar'\n    did you mean 'crossbar'?",
        ),
        ("tiles.sram.cell", "lst", "must be lstp, lop or hp, not 'lst'\n    did you mean 'lstp'?"),
        ("tiles.sram.cell", "[lop]", "must be lstp, lop or hp, not ['lop']"),
        ("tiles.mesh", "8", "must be a list of two whole numbers [rows, columns], not 8"),
        ("tiles.mesh", "[8]", "must be a list of two whole numbers [rows, columns], not [8]"),
        ("tiles.mesh", "8, 8", "must be a list of two whole numbers [rows, columns], not '8, 8'"),
        ("tiles.mesh[1]", "257", "must be a whole number between 1 and 256, not 257"),
        (
            "tiles.vector",
            "16",
            "must be a mapping with the keys lanes, latency, not 16",
        ),
        ("costs", "3", "must be a mapping, not 3"),
        (
            "name",
            "my chip",
            "must be a name of at most 64 letters, digits, '.', '_' and '-', not 'my chip'",
        ),
        (
            "name",
            "../x",
            "must be a name of at most 64 letters, digits, '.', '_' and '-', not '../x'",
        ),
        (
            "noc.hop_length",
            "2 pJ",
            "must be a length such as '2 mm', not '2 pJ'\n    units are nm, um, mm, m",
        ),
        (
            "tiles.formats.accumulate",
            "int8",
            "must be int32, or a floating or fixed point format such as 'fp32', not 'int8'",
        ),
        (
            "tiles.formats.state",
            "bf16 stochastc",
            "must be a number format, or one followed by 'stochastic', not 'bf16 stochastc'\n"
            "    did you mean 'bf16 stochastic'?",
        ),
    ],
)
def test_a_wrong_value_of_a_chip_is_answered_with_what_would_be_right(path, value, message):
    assert setting(path, value) == message


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("pc.steps", "0", "must be a whole number between 1 and 100000, not 0"),
        ("pc.rate", "0", "must be a number above 0 and at most 1000, not 0"),
        ("pc.rate", ".nan", "must be a number above 0 and at most 1000, not '.nan'"),
        ("pc.rate", "1e999", "must be a number above 0 and at most 1000, not inf"),
        ("pc.rate", "true", "must be a number above 0 and at most 1000, not true"),
        ("pc.rate", "fast", "must be a number above 0 and at most 1000, not 'fast'"),
        ("pc.wavefront", "yes", "must be true or false, not 'yes'\n    write true"),
        (
            "pc.order",
            "red-black",
            "must be jacobi, gauss_seidel or red_black, not 'red-black'\n"
            "    did you mean 'red_black'?",
        ),
        (
            "bp.optimiser.kind",
            "adm",
            "must be sgd, momentum, adam or adamw, not 'adm'\n    did you mean 'adam'?",
        ),
        ("training.target_accuracy", "90", "must be a number above 0 and at most 1, not 90"),
        ("training.batch", "1201", "must be at most data.train = 1200, not 1201"),
        ("network.layers[0]", "784", "must be 64, the width of digits, not 784"),
        ("network.layers[3]", "9", "must be 10, the classes of digits, not 9"),
        (
            "network.layers",
            "[64]",
            "must be a list of 2 to 1025 whole numbers, the widths from input to output, not [64]",
        ),
        (
            "data.dataset",
            "digit",
            "must be mnist5k, digits, fashion or a path such as ./folder or images.npz, "
            "not 'digit'\n    did you mean 'digits'?",
        ),
    ],
)
def test_a_wrong_value_of_a_workload_is_answered_with_what_would_be_right(path, value, message):
    assert setting(path, value, load=load_workload) == message


def test_a_network_without_hidden_layers_is_legal():
    layers = load_workload("digits", overrides=["network.layers=[64, 10]"]).network.layers
    assert layers == (64, 10)


def test_more_images_than_the_dataset_has_are_refused_at_their_section(tmp_path):
    text = WORK_TEXT.replace("test: 300", "test: 301")
    line = next(row for row in text.splitlines() if row.startswith("data:"))
    number = text.splitlines().index(line) + 1
    assert said_of(text, tmp_path, load=load_workload) == (
        f"f.yaml:{number}:1: data must have train, validation and test of at most 1797 images "
        "together, as digits has, not 1200 + 297 + 301 = 1798\n"
        f"    {line}\n"
        "    ^"
    )


def test_an_unlimited_memory_must_be_priced_as_some_size():
    override = "tiles.sram={size: unlimited, banks: 4, port: unlimited, cell: lstp}"
    assert said(lambda: load_hardware("tile64", overrides=[override])) == (
        f"--set {override}: tiles.sram.priced_as must be given where size is unlimited\n"
        "    a size such as '128 KiB', whose energy, leakage and area are taken"
    )


def test_a_limited_memory_must_not_be_priced_as_another_size():
    override = "tiles.sram.priced_as=1 KiB"
    assert said(lambda: load_hardware("tile64", overrides=[override])) == (
        f"--set {override}: tiles.sram.priced_as must be left out where size is not unlimited"
    )


@pytest.mark.parametrize(
    ("cost", "message"),
    [
        (
            "{source: x}",
            "costs.array.mac must give exactly one of energy, power and area, not none",
        ),
        (
            "{energy: 3 pJ, power: 1 mW, source: x}",
            "costs.array.mac must give exactly one of energy, power and area, not energy and power",
        ),
        ("{energy: 3 pJ}", "costs.array.mac.source must be given"),
        ("{energy: 3 pJ, source: ''}", "costs.array.mac.source must be a line of text, not ''"),
        (
            "{energy: 3 pJ, low: 4 pJ, source: x}",
            "costs.array.mac.low must be at most the energy 3 pJ, not '4 pJ'",
        ),
        (
            "{power: 3 mW, high: 2000 uW, source: x}",
            "costs.array.mac.high must be at least the power 3 mW, not '2 mW'",
        ),
        (
            "{area: 3 um2, high: 4 pJ, source: x}",
            "costs.array.mac.high must be an area such as '0.5 mm2', not '4 pJ'\n"
            "    units are nm2, um2, mm2, m2",
        ),
    ],
)
def test_a_cost_is_one_quantity_with_its_source_and_bounds_around_it(cost, message):
    override = f"costs.array.mac={cost}"
    assert said(lambda: load_hardware("tile64", overrides=[override])) == (
        f"--set {override}: {message}"
    )


# --- Keys ---


def test_a_misspelt_key_is_told_once_at_the_key_with_the_one_that_was_meant(tmp_path):
    text = CHIP_TEXT.replace("banks: 4", "bank: 4")
    row = next(row for row in text.splitlines() if "bank: 4" in row)
    line, column = text.splitlines().index(row) + 1, row.index("bank") + 1
    assert said_of(text, tmp_path) == (
        f"f.yaml:{line}:{column}: tiles.sram.bank must be a known key, not 'bank'\n"
        f"    {row}\n"
        f"    {' ' * (column - 1)}^\n"
        "    did you mean 'tiles.sram.banks'?"
    )


def test_a_key_like_no_other_is_answered_with_all_there_are():
    assert setting("tiles.vector.colour", "red") == (
        "must be a known key, not 'colour'\n    known keys: lanes, latency"
    )


def test_a_name_of_python_is_no_key_of_a_file():
    assert setting("clock_hz", "500000000").startswith("must be a known key, not 'clock_hz'\n")


def test_a_missing_key_is_told_at_the_section_that_lacks_it(tmp_path):
    text = CHIP_TEXT.replace(", link_latency: 1 cycle", "")
    row = next(row for row in text.splitlines() if row.startswith("noc:"))
    line = text.splitlines().index(row) + 1
    assert said_of(text, tmp_path) == (
        f"f.yaml:{line}:1: noc.link_latency must be given\n    {row}\n    ^"
    )


def test_all_mistakes_of_both_files_and_all_settings_are_told_at_once(tmp_path):
    chip, work = tmp_path / "chip.yaml", tmp_path / "work.yaml"
    chip.write_text(
        CHIP_TEXT.replace("clock: 500 MHz", "clock: fast").replace("fp32", "half"), "utf-8"
    )
    work.write_text(
        WORK_TEXT.replace("tanh", "swish")
        .replace("[64, 64", "[65, 64")
        .replace("steps: 3", "stepz: 3"),
        "utf-8",
    )
    with pytest.raises(InputError) as caught:
        load_both(chip, work, overrides=["name=x", "bp.schedule=fastest", "tiles.mesh=[1]"])
    assert [problem.message for problem in caught.value.problems] == [
        "tiles.mesh must be a list of two whole numbers [rows, columns], not [1]",
        "clock must be a frequency such as '500 MHz', not 'fast'",
        *(
            f"tiles.formats.{kind} must be a number format such as 'bf16', 'fp8_e4m3', 'q4.12', "
            "'int8' or 'bfp8/16', not 'half'"
            for kind in ("weight", "state", "error", "accumulate", "optimiser")
        ),
        "bp.schedule must be sequential, gpipe, 1f1b, zb_h1, zb_h2 or best, not 'fastest'",
        "network.layers[0] must be 64, the width of digits, not 65",
        "network.activation must be linear, tanh, relu, leaky_relu, gelu, silu, sigmoid or hard_tanh, not 'swish'",
        "pc.stepz must be a known key, not 'stepz'",
        "--set name must name its file: hardware.name or workload.name",
    ]


def test_rules_between_sections_are_told_beside_mistakes_in_other_sections(tmp_path):
    text = WORK_TEXT.replace("[64, 64", "[65, 64").replace("steps: 3", "steps: 0")
    messages = [
        re.sub(r"^f.yaml:\d+:\d+: ", "", row)
        for row in said_of(text, tmp_path, load=load_workload).splitlines()
        if row.startswith("f.yaml")
    ]
    assert messages == [
        "network.layers[0] must be 64, the width of digits, not 65",
        "pc.steps must be a whole number between 1 and 100000, not 0",
    ]


# --- Which file ---


def test_a_name_that_is_not_shipped_is_answered_with_those_that_are():
    known = ", ".join(shipped("hardware"))
    assert said(lambda: load_hardware("tile46")) == (
        f"hardware must be the path of a file or one of {known}, not 'tile46'\n"
        "    did you mean 'tile64'?"
    )
    known = ", ".join(shipped("workload"))
    assert said(lambda: load_workload("x" * 5000)) == (
        f"workload must be the path of a file or one of {known}, not '{'x' * 76}..."
    )


def test_a_folder_is_no_file(tmp_path):
    known = ", ".join(shipped("hardware"))
    assert said(lambda: load_hardware(tmp_path)) == (
        f"hardware must be the path of a file or one of {known}, not {str(tmp_path)!r}\n"
        "    this is a folder"
    )


def test_a_workload_given_as_the_chip_is_recognised(tmp_path):
    assert said_of(WORK_TEXT, tmp_path) == (
        "f.yaml:1:9: schema must be 'pcsim/hardware/1', not 'pcsim/workload/1'\n"
        "    schema: pcsim/workload/1\n"
        "            ^\n"
        "    this is a workload file, where a hardware file is expected"
    )


def test_a_file_without_schema_is_told_how_to_begin(tmp_path):
    text = CHIP_TEXT.replace("schema: pcsim/hardware/1\n", "")
    assert said_of(text, tmp_path) == (
        "f.yaml:1:1: schema must be given\n"
        "    name: tile64\n"
        "    ^\n"
        "    the first line of a hardware file is 'schema: pcsim/hardware/1'"
    )


def test_a_file_of_unknown_kind_is_refused_where_any_kind_would_do(tmp_path):
    assert said_of("schema: pcsim/hardware/2", tmp_path, load=load_any) == (
        "f.yaml:1:9: schema must be 'pcsim/hardware/1' or 'pcsim/workload/1', "
        "not 'pcsim/hardware/2'\n"
        "    schema: pcsim/hardware/2\n"
        "            ^"
    )


# --- extends ---

HEAD = "schema: pcsim/hardware/1\nname: x\n"


def test_a_base_that_is_not_there_is_told_at_extends(tmp_path):
    known = ", ".join(shipped("hardware"))
    assert said_of(f"{HEAD}extends: tile63", tmp_path) == (
        f"f.yaml:3:10: extends must be a file beside this one or one of {known}, not 'tile63'\n"
        "    extends: tile63\n"
        "             ^\n"
        "    did you mean 'tile64'?"
    )


def test_files_must_not_extend_each_other_in_a_circle(tmp_path):
    (tmp_path / "g.yaml").write_text(f"{HEAD}extends: f.yaml", "utf-8")
    message = said_of(f"{HEAD}extends: g", tmp_path).replace(str(tmp_path / "g.yaml"), "g.yaml")
    assert message == (
        "g.yaml:3:10: extends must not lead back to the same file, as f.yaml -> g.yaml -> f.yaml does\n"
        "    extends: f.yaml\n"
        "             ^"
    )


def test_a_name_is_not_inherited(tmp_path):
    assert said_of("schema: pcsim/hardware/1\nextends: tile64", tmp_path) == (
        "f.yaml:1:1: name must be given\n    schema: pcsim/hardware/1\n    ^"
    )


def test_a_mistake_in_a_base_is_told_at_the_base(tmp_path):
    base = tmp_path / "g.yaml"
    base.write_text(CHIP_TEXT.replace("clock: 500 MHz", "clock: fast"), "utf-8")
    message = said_of(f"{HEAD}extends: g", tmp_path).replace(str(base), "g.yaml")
    assert message == (
        "g.yaml:3:8: clock must be a frequency such as '500 MHz', not 'fast'\n"
        "    clock: fast\n"
        "           ^\n"
        "    units are Hz, kHz, MHz, GHz, THz"
    )


# --- Settings ---


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("steps=3", "not 'steps'\n    did you mean 'pc.steps'?"),
        (
            "lanes=3",
            "not 'lanes'\n    did you mean 'tiles.compute.lanes', 'tiles.vector.lanes', 'tiles.update.lanes' or "
            "'tiles.adder.lanes'?",
        ),
        ("tile.mesh=3", "not 'tile.mesh'\n    did you mean 'tiles.mesh'?"),
        ("=3", "not ''"),
    ],
)
def test_a_setting_for_neither_file_is_answered_with_the_path_that_was_meant(override, message):
    assert said(lambda: assign_overrides([override])) == (
        f"--set must begin with a key of the hardware or workload file, {message}"
    )


@pytest.mark.parametrize("key", ["name", "schema"])
def test_a_key_of_both_files_needs_the_file_before_it(key):
    assert said(lambda: assign_overrides([f"{key}=x"])) == (
        f"--set {key} must name its file: hardware.{key} or workload.{key}"
    )


@pytest.mark.parametrize("override", ["tiles.mesh", "tiles..mesh=3", ".tiles=3", "=3"])
def test_a_setting_is_a_path_and_a_value(override):
    assert said(lambda: load_hardware("tile64", overrides=[override])) == (
        f"--set must be path=value, not {override!r}\n    for example --set tiles.vector.lanes=32"
    )


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "tiles.mesh=[",
            "tiles.mesh must be set to a YAML value, not '['\n    a value is missing here",
        ),
        ("tiles.mesh=", "tiles.mesh must be set to a YAML value, not ''"),
        (
            "tiles.mesh={a: 1, a: 2}",
            "tiles.mesh must be set to a YAML value, not '{a: 1, a: 2}'\n"
            "    a must be given once, not again",
        ),
        ("clock.fast=3", "clock must be set as a whole: it has no part 'fast'"),
        ("tiles.mesh[2]=3", "tiles.mesh must be set at [0] to [1] or as a whole, not at [2]"),
        ("tiles.mesh.x=3", "tiles.mesh must be set at [0] to [1] or as a whole, not at [x]"),
    ],
)
def test_a_setting_that_cannot_be_made_is_told(override, message):
    assert said(lambda: load_hardware("tile64", overrides=[override])) == (
        f"--set {override}: {message}"
    )


# --- From Python ---


def test_values_made_by_hand_are_checked_in_the_same_words():
    with pytest.raises(ValidationError, match="must be a whole number between 1 and 65536"):
        Vector(lanes=0, latency_cycles=4)
    with pytest.raises(ValidationError, match="must be given where size is unlimited"):
        Sram(size_bytes=None, banks=1, port_bytes_per_cycle=None, cell="hp")
    with pytest.raises(ValidationError, match="must be a number of cycles such as '4 cycles'"):
        Vector(lanes=1, latency_cycles=True)


def test_an_unknown_rule_is_refused():
    assert said(lambda: candidates(CHIP, WORK, rule="ga")) == "rule must be pc, bp or all, not 'ga'"


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None)  # Tests never time anything, and a busy machine takes its time.
@given(st.data(), st.sampled_from([CHIP, WORK]), values)
def test_whatever_a_value_is_replaced_by_it_loads_or_is_told(data, file, value):
    load = load_hardware if isinstance(file, Hardware) else load_workload
    path = data.draw(st.sampled_from(sorted(file._marks)))
    override = f"{path}={value!r}"
    try:
        assert isinstance(load(file.name, overrides=[override]), Hardware | Workload)
    except InputError as error:
        assert all(problem.message for problem in error.problems)
    assert mark_of(file, path) is not None


# --- Tabs ---


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a:\t1\nb:\t{x:\t2,\ty: [1,\t2]}\t# c\n", {"a": 1, "b": {"x": 2, "y": [1, 2]}}),
        ("a\t: 500\tMHz\t\nd: 1\n", {"a": "500\tMHz", "d": 1}),
        ("a: 1\n\t\n \t# c\nb: 2\n", {"a": 1, "b": 2}),
        ("a:\t\n-\t1\n- 2\n", {"a": [1, 2]}),
        ("a: [1,\n\t2]", {"a": [1, 2]}),
        ('a: "x\ty"\t\n', {"a": "x\ty"}),
    ],
)
def test_tabs_may_stand_between_tokens(text, value):
    node, problems = read_yaml(text, file="f.yaml")
    assert problems == ()
    assert plain(node) == value


@pytest.mark.parametrize(
    ("text", "place"), [("\ta: 1", "1:1"), ("a:\n\tb: 1", "2:1"), ("a:\n  b: 1\n \tc: 2", "3:2")]
)
def test_a_tab_that_indents_is_told_at_its_place(text, place):
    node, problems = read_yaml(text, file="f.yaml")
    assert node is None
    assert str(problems[0]).startswith(
        f"f.yaml:{place}: the file must be valid YAML: a tab stands here\n"
    )
    assert problems[0].hint == "indent by spaces"
