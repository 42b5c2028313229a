"""Everything that can be wrong with what a user writes, and the whole of what is said about it.

Each case changes one thing in a right chip or workload. In messages <chips>, <works>, <datasets> and
<technologies> stand for the names of what is shipped.
"""

# ruff: noqa: E501 - messages stand here as they are shown.

from dataclasses import dataclass, field
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "bad_input"
CHIP = (FOLDER / "chip.yaml").read_text("utf-8")
WORK = (FOLDER / "work.yaml").read_text("utf-8")


COMPUTE = "compute: {kind: systolic, rows: 16, cols: 16, dataflow: ws, transposable: true}"
CROSSBAR = """compute:
    kind: crossbar
    arrays: 64
    rows: 128
    cols: 128
    cell_bits: 2
    dac_bits: 1
    read: 100 ns
    adc_share: 128
    adc_rate: 1.28 GHz
    update: row_serial
    write: 1 us
    endurance: 1000000
    gradient_lanes: 16
    transposable: true
    analog: {read_noise: 0.0, write_noise: 0.0, mismatch: 0.0, adc_bits: 8}"""


@dataclass(frozen=True)
class Case:
    """A chip file, a workload file and settings, of which something is wrong, and what is said."""

    said: str
    chip: str = CHIP
    work: str = WORK
    settings: list[str] = field(default_factory=list)


def bad(
    name: str,
    *,
    said: str,
    chip: dict[str, str] | None = None,
    work: dict[str, str] | None = None,
    chip_text: str = CHIP,
    work_text: str = WORK,
    settings: list[str] | None = None,
):
    """A case in which ``chip`` and ``work`` replace something once in a right file."""
    case = Case(said, changed(chip_text, chip), changed(work_text, work), settings or [])
    return pytest.param(case, id=name)


def changed(text: str, changes: dict[str, str] | None) -> str:
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new, 1)
    return text


CASES = [
    # --- YAML ---
    bad(
        "a tab for indentation",
        chip={"  mesh:": "\tmesh:"},
        said="""
chip.yaml:6:1: the file must be valid YAML: a tab stands here
     mesh: [8, 8]
    ^
    indent by spaces
""",
    ),
    bad(
        "a line indented further than those beside it",
        chip={"  vector:": "    vector:"},
        said="""
chip.yaml:8:5: the file must be valid YAML: this does not begin in the column of what is beside it
        vector: {lanes: 16, latency: 4 cycles}
        ^
    begin all keys of a mapping, and all items of a list, in one column
""",
    ),
    bad(
        "a line indented less than those beside it",
        chip={"    banks:": "   banks:"},
        said="""
chip.yaml:12:4: the file must be valid YAML: this does not begin in the column of what is beside it
       banks: 4
       ^
    begin all keys of a mapping, and all items of a list, in one column
""",
    ),
    bad(
        "a second colon in a value",
        chip={"name: chip": "name: chip: 2"},
        said="""
chip.yaml:2:11: the file must be valid YAML: a key cannot stand here
    name: chip: 2
              ^
    begin it in the column of the keys beside it; put a text with ': ' in it in quotes
""",
    ),
    bad(
        "a key without a colon",
        chip={"clock: 500": "clock 500"},
        said="""
chip.yaml:3:1: the file must be valid YAML: this is neither a key nor the value of one
    clock 500 MHz
    ^
    write 'key: value', with a blank behind the colon
""",
    ),
    bad(
        "no blank behind the colon",
        chip={"clock: 500": "clock:500"},
        said="""
chip.yaml:3:1: the file must be valid YAML: this is neither a key nor the value of one
    clock:500 MHz
    ^
    write 'key: value', with a blank behind the colon
""",
    ),
    bad(
        "a list that is not closed",
        chip={"[8, 8]": "[8, 8"},
        said="""
chip.yaml:6:9: the file must be valid YAML: this bracket is not closed, or a comma is missing behind it
      mesh: [8, 8
            ^
    close it, and put commas between the items
""",
    ),
    bad(
        "a mapping that is not closed",
        chip={"latency: 4 cycles}": "latency: 4 cycles"},
        said="""
chip.yaml:8:11: the file must be valid YAML: this bracket is not closed, or a comma is missing behind it
      vector: {lanes: 16, latency: 4 cycles
              ^
    close it, and put commas between the items
""",
    ),
    bad(
        "a list closed by the wrong bracket",
        chip={"[8, 8]": "[8, 8}"},
        said="""
chip.yaml:6:9: the file must be valid YAML: this bracket is not closed, or a comma is missing behind it
      mesh: [8, 8}
            ^
    close it, and put commas between the items
""",
    ),
    bad(
        "a quote that is not closed",
        chip={"name: chip": 'name: "chip'},
        said="""
chip.yaml:2:7: the file must be valid YAML: this quote is not closed
    name: "chip
          ^
""",
    ),
    bad(
        "a sign that no text begins with",
        chip={"name: chip": "name: @chip"},
        said="""
chip.yaml:2:7: the file must be valid YAML: no text begins with '@'
    name: @chip
          ^
    put the text in quotes
""",
    ),
    bad(
        "an asterisk that names nothing",
        chip={"name: chip": "name: *chip"},
        said="""
chip.yaml:2:7: the file must be valid YAML: no text begins with '*' or '&'
    name: *chip
          ^
    put the text in quotes
""",
    ),
    bad(
        "an unknown escape",
        chip={"name: chip": 'name: "C:\\chip"'},
        said="""
chip.yaml:2:11: the file must be valid YAML: in double quotes a backslash cannot stand before 'c'
    name: "C:\\chip"
              ^
    use single quotes, in which nothing is escaped
""",
    ),
    bad(
        "an escape beyond all characters",
        chip={"name: chip": 'name: "\\UFFFFFFFF"'},
        said="""
chip.yaml:2:10: the file must be valid YAML: there is no character of this number
    name: "\\UFFFFFFFF"
             ^
""",
    ),
    bad(
        "a list in the line of its key",
        chip={"name: chip": "name: - chip"},
        said="""
chip.yaml:2:7: the file must be valid YAML: a list cannot begin here
    name: - chip
          ^
    begin it on a line of its own, or write [...]
""",
    ),
    bad(
        "a value left out between commas",
        chip={"[8, 8]": "[, 8]"},
        said="""
chip.yaml:6:10: the file must be valid YAML: a value is missing here
      mesh: [, 8]
             ^
""",
    ),
    bad(
        "a tag of Python",
        chip={"name: chip": "name: !!python/object/apply:os.system [ls]"},
        said="""
chip.yaml:2:7: the file must be valid YAML: tags such as 'tag:yaml.org,2002:python/object/apply:os.system' are not accepted
    name: !!python/object/apply:os.system [ls]
          ^
""",
    ),
    bad(
        "a tag of its own",
        chip={"name: chip": "name: !chip x"},
        said="""
chip.yaml:2:7: the file must be valid YAML: tags such as '!chip' are not accepted
    name: !chip x
          ^
""",
    ),
    bad(
        "a directive",
        chip={"schema:": "%YAML 1.2\n---\nschema:"},
        said="""
chip.yaml:1:1: the file must be valid YAML: directives such as %YAML are not accepted
    %YAML 1.2
    ^
""",
    ),
    bad(
        "a second document",
        chip={"tiles:": "---\ntiles:"},
        said="""
chip.yaml:5:1: the file must be valid YAML: a second document begins here
    ---
    ^
    put it in a file of its own
""",
    ),
    bad(
        "a merge key",
        chip={"noc:": "<<: {x: 1}\nnoc:"},
        said="""
chip.yaml:17:1: a key must be a word, not the merge key '<<'
    <<: {x: 1}
    ^
    'extends: <file>' lays this file over another one
""",
    ),
    bad(
        "a key that is a list",
        chip={"noc:": "? [a]\n: 1\nnoc:"},
        said="""
chip.yaml:17:3: a key must be a word, not a list or a mapping
    ? [a]
      ^
""",
    ),
    bad(
        "an empty key",
        chip={"noc:": '"": 1\nnoc:'},
        said="""
chip.yaml:17:1: a key must be a word, not ''
    "": 1
    ^
""",
    ),
    bad(
        "a key over two lines",
        chip={"noc:": '"a\\nb": 1\nnoc:'},
        said="""
chip.yaml:17:1: a key must be a word, not 'a\\nb'
    "a\\nb": 1
    ^
""",
    ),
    # --- Whole files ---
    bad(
        "an empty file",
        chip_text="",
        said="""
chip.yaml: the file must be a mapping of keys to values, not empty
""",
    ),
    bad(
        "a file of comments",
        chip_text="# nothing\n# here\n",
        said="""
chip.yaml: the file must be a mapping of keys to values, not empty
""",
    ),
    bad(
        "a list",
        chip_text="- schema: pcsim/hardware/1\n- name: chip\n",
        said="""
chip.yaml:1:1: the file must be a mapping of keys to values, not [a mapping, a mapping]
    - schema: pcsim/hardware/1
    ^
""",
    ),
    bad(
        "a word",
        chip_text="tile64\n",
        said="""
chip.yaml:1:1: the file must be a mapping of keys to values, not 'tile64'
    tile64
    ^
""",
    ),
    bad(
        "a number",
        work_text="3\n",
        said="""
work.yaml:1:1: the file must be a mapping of keys to values, not 3
    3
    ^
""",
    ),
    bad(
        "an explicit null",
        work_text="null\n",
        said="""
work.yaml:1:1: the file must be a mapping of keys to values, not null
    null
    ^
""",
    ),
    # --- Keys ---
    bad(
        "a misspelt key",
        chip={"banks:": "bnaks:"},
        said="""
chip.yaml:12:5: tiles.sram.bnaks must be a known key, not 'bnaks'
        bnaks: 4
        ^
    did you mean 'tiles.sram.banks'?
""",
    ),
    bad(
        "a key of nothing",
        chip={"noc:": "colour: red\nnoc:"},
        said="""
chip.yaml:17:1: colour must be a known key, not 'colour'
    colour: red
    ^
    known keys: schema, name, clock, technology, extensions, tiles, noc, buffer, dram, costs
""",
    ),
    bad(
        "a key in another case",
        chip={"clock:": "Clock:"},
        said="""
chip.yaml:3:1: Clock must be a known key, not 'Clock'
    Clock: 500 MHz
    ^
    did you mean 'clock'?
""",
    ),
    bad(
        "a key of the wrong section",
        chip={"  dma:": "  lanes: 3\n  dma:"},
        said="""
chip.yaml:15:3: tiles.lanes must be a known key, not 'lanes'
      lanes: 3
      ^
    did you mean 'tiles.compute.lanes', 'tiles.vector.lanes', 'tiles.update.lanes' or 'tiles.adder.lanes'?
""",
    ),
    bad(
        "a key twice",
        chip={"clock: 500 MHz": "clock: 500 MHz\nclock: 1 GHz"},
        said="""
chip.yaml:4:1: clock must be given once, not again
    clock: 1 GHz
    ^
    first given on line 3
""",
    ),
    bad(
        "a section twice",
        chip={"dram:": "dram: {}\ndram:"},
        said="""
chip.yaml:18:1: dram.kind must be given
    dram: {}
    ^
chip.yaml:18:1: dram.channels must be given
    dram: {}
    ^
chip.yaml:18:1: dram.capacity must be given
    dram: {}
    ^
chip.yaml:18:1: dram.bandwidth must be given
    dram: {}
    ^
chip.yaml:18:1: dram.latency must be given
    dram: {}
    ^
chip.yaml:19:1: dram must be given once, not again
    dram:
    ^
    first given on line 18
""",
    ),
    bad(
        "a key missing",
        chip={"    banks: 4\n": ""},
        said="""
chip.yaml:10:3: tiles.sram.banks must be given
      sram:
      ^
""",
    ),
    bad(
        "a section missing",
        work={"bp:\n  schedule: sequential\n  optimiser: {kind: adam, rate: 1e-3}\n": ""},
        said="""
work.yaml:1:1: bp must be given
    schema: pcsim/workload/1
    ^
""",
    ),
    bad(
        "a section that is empty",
        work={"  layers: [64, 64, 64, 10]\n  activation: tanh\n  parameterisation: sp\n": ""},
        said="""
work.yaml:3:9: network must be a mapping with the keys layers, input, blocks, nodes, activation, parameterisation, skips, placement, bias, initialisation, direction, not null
    network:
            ^
""",
    ),
    bad(
        "a section that is a word",
        chip={"{setup: 20 cycles}": "fast"},
        said="""
chip.yaml:15:8: tiles.dma must be a mapping with the keys setup, not 'fast'
      dma: fast
           ^
""",
    ),
    bad(
        "a section that is a list",
        work={"{kind: adam, rate: 1e-3}\nbp": "[adam, 1e-3]\nbp"},
        said="""
work.yaml:19:14: pc.optimiser must be a mapping with the keys kind, rate, momentum, weight_decay, schedule, every, factor, not ['adam', 0.001]
      optimiser: [adam, 1e-3]
                 ^
""",
    ),
    # --- Schemas ---
    bad(
        "no schema",
        chip={"schema: pcsim/hardware/1\n": ""},
        said="""
chip.yaml:1:1: schema must be given
    name: chip
    ^
    the first line of a hardware file is 'schema: pcsim/hardware/1'
""",
    ),
    bad(
        "a schema of tomorrow",
        chip={"hardware/1": "hardware/2"},
        said="""
chip.yaml:1:9: schema must be 'pcsim/hardware/1', not 'pcsim/hardware/2'
    schema: pcsim/hardware/2
            ^
""",
    ),
    bad(
        "a schema that is a list",
        chip={"pcsim/hardware/1": "[pcsim/hardware/1]"},
        said="""
chip.yaml:1:9: schema must be 'pcsim/hardware/1', not ['pcsim/hardware/1']
    schema: [pcsim/hardware/1]
            ^
""",
    ),
    bad(
        "the two files the wrong way round",
        chip_text=WORK,
        work_text=CHIP,
        said="""
chip.yaml:1:9: schema must be 'pcsim/hardware/1', not 'pcsim/workload/1'
    schema: pcsim/workload/1
            ^
    this is a workload file, where a hardware file is expected
work.yaml:1:9: schema must be 'pcsim/workload/1', not 'pcsim/hardware/1'
    schema: pcsim/hardware/1
            ^
    this is a hardware file, where a workload file is expected
""",
    ),
    # --- Quantities ---
    bad(
        "a size without a unit",
        chip={"192 KiB": "196608"},
        said="""
chip.yaml:11:11: tiles.sram.size must be a size such as '64 KiB', not 196608
        size: 196608
              ^
    units are B, kB, KiB, MB, MiB, GB, GiB, TB, TiB
""",
    ),
    bad(
        "a unit in the wrong case",
        chip={"500 MHz": "500 mhz"},
        said="""
chip.yaml:3:8: clock must be a frequency such as '500 MHz', not '500 mhz'
    clock: 500 mhz
           ^
    did you mean 'MHz'?
""",
    ),
    bad(
        "a decimal unit or a binary one",
        chip={"192 KiB": "192 KB"},
        said="""
chip.yaml:11:11: tiles.sram.size must be a size such as '64 KiB', not '192 KB'
        size: 192 KB
              ^
    did you mean 'kB' or 'KiB'?
""",
    ),
    bad(
        "a unit of another kind",
        chip={"192 KiB": "192 mW"},
        said="""
chip.yaml:11:11: tiles.sram.size must be a size such as '64 KiB', not '192 mW'
        size: 192 mW
              ^
    units are B, kB, KiB, MB, MiB, GB, GiB, TB, TiB
""",
    ),
    bad(
        "a quantity without a number",
        chip={"192 KiB": "KiB"},
        said="""
chip.yaml:11:11: tiles.sram.size must be a size such as '64 KiB', not 'KiB'
        size: KiB
              ^
    units are B, kB, KiB, MB, MiB, GB, GiB, TB, TiB
""",
    ),
    bad(
        "a quantity with two numbers",
        chip={"192 KiB": "192 000 B"},
        said="""
chip.yaml:11:11: tiles.sram.size must be a size such as '64 KiB', not '192 000 B'
        size: 192 000 B
              ^
    units are B, kB, KiB, MB, MiB, GB, GiB, TB, TiB
""",
    ),
    bad(
        "half a byte",
        chip={"192 KiB": "0.5 B"},
        said="""
chip.yaml:11:11: tiles.sram.size must be a whole number of bytes, not '0.5 B'
        size: 0.5 B
              ^
""",
    ),
    bad(
        "no size at all",
        chip={"192 KiB": "0 B"},
        said="""
chip.yaml:11:11: tiles.sram.size must be between 1 B and 1 TiB, not '0 B'
        size: 0 B
              ^
""",
    ),
    bad(
        "a negative frequency",
        chip={"500 MHz": "-500 MHz"},
        said="""
chip.yaml:3:8: clock must be between 1 kHz and 100 GHz, not '-500 MHz'
    clock: -500 MHz
           ^
""",
    ),
    bad(
        "a frequency beyond physics",
        chip={"500 MHz": "500 THz"},
        said="""
chip.yaml:3:8: clock must be between 1 kHz and 100 GHz, not '500 THz'
    clock: 500 THz
           ^
""",
    ),
    bad(
        "a quantity that overflows",
        chip={"500 MHz": "1e999 Hz"},
        said="""
chip.yaml:3:8: clock must be between 1 kHz and 100 GHz, not '1e999 Hz'
    clock: 1e999 Hz
           ^
""",
    ),
    bad(
        "a quantity that is not a number",
        chip={"500 MHz": "nan Hz"},
        said="""
chip.yaml:3:8: clock must be a frequency such as '500 MHz', not 'nan Hz'
    clock: nan Hz
           ^
    units are Hz, kHz, MHz, GHz, THz
""",
    ),
    bad(
        "a quantity that is a list",
        chip={"500 MHz": "[500, MHz]"},
        said="""
chip.yaml:3:8: clock must be a frequency such as '500 MHz', not [500, 'MHz']
    clock: [500, MHz]
           ^
    units are Hz, kHz, MHz, GHz, THz
""",
    ),
    bad(
        "seconds where cycles belong",
        chip={"4 cycles": "8 ns"},
        said="""
chip.yaml:8:32: tiles.vector.latency must be a number of cycles such as '4 cycles', not '8 ns'
      vector: {lanes: 16, latency: 8 ns}
                                   ^
    units are cycles, cycle
""",
    ),
    bad(
        "part of a cycle",
        chip={"4 cycles": "1.5 cycles"},
        said="""
chip.yaml:8:32: tiles.vector.latency must be a whole number of cycles, not '1.5 cycles'
      vector: {lanes: 16, latency: 1.5 cycles}
                                   ^
""",
    ),
    bad(
        "a negative latency",
        chip={"80 ns": "-80 ns"},
        said="""
chip.yaml:23:12: dram.latency must be between 0 s and 1 s, not '-80 ns'
      latency: -80 ns
               ^
""",
    ),
    bad(
        "an endless latency",
        chip={"80 ns": "80 s"},
        said="""
chip.yaml:23:12: dram.latency must be between 0 s and 1 s, not '80 s'
      latency: 80 s
               ^
""",
    ),
    bad(
        "a misspelt unlimited",
        chip={"192 KiB": "unlimted"},
        said="""
chip.yaml:11:11: tiles.sram.size must be a size such as '64 KiB', not 'unlimted'
        size: unlimted
              ^
    did you mean 'unlimited'?
""",
    ),
    bad(
        "an access that no macro has",
        chip={"192 KiB": "192 KiB\n    access: 32 B"},
        said="""
chip.yaml:12:13: tiles.sram.access must be between 4 B and 16 B, not '32 B'
        access: 32 B
                ^
""",
    ),
    bad(
        "unlimited without a price",
        chip={"192 KiB": "unlimited"},
        said="""
chip.yaml:10:3: tiles.sram.priced_as must be given where size is unlimited
      sram:
      ^
    a size such as '128 KiB', whose energy, leakage and area are taken
""",
    ),
    bad(
        "unlimited where there is a limit",
        chip={"1 GiB": "unlimited"},
        said="""
chip.yaml:21:13: dram.capacity must be a size such as '64 KiB', not 'unlimited'
      capacity: unlimited
                ^
    units are B, kB, KiB, MB, MiB, GB, GiB, TB, TiB
""",
    ),
    # --- Numbers ---
    bad(
        "rows of zero",
        chip={"rows: 16": "rows: 0"},
        said="""
chip.yaml:7:35: tiles.compute.rows must be a whole number between 1 and 4096, not 0
      compute: {kind: systolic, rows: 0, cols: 16, dataflow: ws, transposable: true}
                                      ^
""",
    ),
    bad(
        "more rows than are believed",
        chip={"rows: 16": "rows: 100000"},
        said="""
chip.yaml:7:35: tiles.compute.rows must be a whole number between 1 and 4096, not 100000
      compute: {kind: systolic, rows: 100000, cols: 16, dataflow: ws, transposable: true}
                                      ^
""",
    ),
    bad(
        "a truth value for a number",
        chip={"rows: 16": "rows: true"},
        said="""
chip.yaml:7:35: tiles.compute.rows must be a whole number between 1 and 4096, not true
      compute: {kind: systolic, rows: true, cols: 16, dataflow: ws, transposable: true}
                                      ^
""",
    ),
    bad(
        "a number in quotes",
        work={"batch: 32": "batch: '32'"},
        said="""
work.yaml:9:10: training.batch must be a whole number between 1 and 65536, not '32'
      batch: '32'
             ^
    write 32
""",
    ),
    bad(
        "a fraction for a whole number",
        work={"batch: 32": "batch: 32.5"},
        said="""
work.yaml:9:10: training.batch must be a whole number between 1 and 65536, not 32.5
      batch: 32.5
             ^
""",
    ),
    bad(
        "a whole number with a point",
        work={"batch: 32": "batch: 32.0"},
        said="""
work.yaml:9:10: training.batch must be a whole number between 1 and 65536, not 32.0
      batch: 32.0
             ^
    write 32
""",
    ),
    bad(
        "an exponent in a whole number",
        work={"batch: 32": "batch: 1e2"},
        said="""
work.yaml:9:10: training.batch must be a whole number between 1 and 65536, not 100.0
      batch: 1e2
             ^
    write 100
""",
    ),
    bad(
        "an underscore in a number",
        work={"batch: 32": "batch: 1_000"},
        said="""
work.yaml:9:10: training.batch must be a whole number between 1 and 65536, not '1_000'
      batch: 1_000
             ^
    write 1000
""",
    ),
    bad(
        "a leading zero",
        work={"batch: 32": "batch: 032"},
        said="""
work.yaml:9:10: training.batch must be a whole number between 1 and 65536, not '032'
      batch: 032
             ^
    write 32
""",
    ),
    bad(
        "a number of forty digits",
        work={"batch: 32": "batch: 111111111111111111111111111111111111111"},
        said="""
work.yaml:9:10: training.batch must be a whole number between 1 and 65536, not 111111111111111111111111111111111111111
      batch: 111111111111111111111111111111111111111
             ^
""",
    ),
    bad(
        "a negative number of steps",
        work={"steps: 3": "steps: -3"},
        said="""
work.yaml:16:10: pc.steps must be a whole number between 1 and 100000, not -3
      steps: -3
             ^
""",
    ),
    bad(
        "no value",
        work={"steps: 3": "steps:"},
        said="""
work.yaml:16:9: pc.steps must be a whole number between 1 and 100000, not null
      steps:
            ^
""",
    ),
    bad(
        "a rate of zero",
        work={"rate: 0.3": "rate: 0"},
        said="""
work.yaml:17:9: pc.rate must be a number above 0 and at most 1000, not 0
      rate: 0
            ^
""",
    ),
    bad(
        "a negative rate",
        work={"rate: 0.3": "rate: -0.3"},
        said="""
work.yaml:17:9: pc.rate must be a number above 0 and at most 1000, not -0.3
      rate: -0.3
            ^
""",
    ),
    bad(
        "a rate that is not a number",
        work={"rate: 0.3": "rate: .nan"},
        said="""
work.yaml:17:9: pc.rate must be a number above 0 and at most 1000, not '.nan'
      rate: .nan
            ^
""",
    ),
    bad(
        "an infinite rate",
        work={"rate: 0.3": "rate: .inf"},
        said="""
work.yaml:17:9: pc.rate must be a number above 0 and at most 1000, not '.inf'
      rate: .inf
            ^
""",
    ),
    bad(
        "a rate that overflows",
        work={"rate: 0.3": "rate: 1e400"},
        said="""
work.yaml:17:9: pc.rate must be a number above 0 and at most 1000, not inf
      rate: 1e400
            ^
""",
    ),
    bad(
        "a comma for a decimal point",
        work={"rate: 0.3": "rate: 0,3"},
        said="""
work.yaml:17:9: pc.rate must be a number above 0 and at most 1000, not '0,3'
      rate: 0,3
            ^
    write 0.3
""",
    ),
    bad(
        "a percentage",
        work={"0.95": "95%"},
        said="""
work.yaml:13:20: training.target_accuracy must be a number above 0 and at most 1, not '95%'
      target_accuracy: 95%
                       ^
    write 0.95
""",
    ),
    bad(
        "a percentage without its sign",
        work={"0.95": "95"},
        said="""
work.yaml:13:20: training.target_accuracy must be a number above 0 and at most 1, not 95
      target_accuracy: 95
                       ^
""",
    ),
    bad(
        "a mapping for a number",
        work={"rate: 0.3": "rate: {value: 0.3}"},
        said="""
work.yaml:17:3: pc.rate must be a number above 0 and at most 1000, not a mapping
      rate: {value: 0.3}
      ^
""",
    ),
    # --- Words ---
    bad(
        "yes for true",
        chip={"transposable: true": "transposable: yes"},
        said="""
chip.yaml:7:77: tiles.compute.transposable must be true or false, not 'yes'
      compute: {kind: systolic, rows: 16, cols: 16, dataflow: ws, transposable: yes}
                                                                                ^
    write true
""",
    ),
    bad(
        "a chip that cannot transpose and does not say how it does",
        chip={"transposable: true": "transposable: false"},
        said="""
chip.yaml:7:3: tiles.compute.transpose must be given where transposable is false
      compute: {kind: systolic, rows: 16, cols: 16, dataflow: ws, transposable: false}
      ^
    copy, a second copy of the weights, or walk, reading along columns
""",
    ),
    bad(
        "a way to transpose that is not needed",
        chip={"transposable: true": "transposable: true, transpose: walk"},
        said="""
chip.yaml:7:94: tiles.compute.transpose must be left out where transposable is true
      compute: {kind: systolic, rows: 16, cols: 16, dataflow: ws, transposable: true, transpose: walk}
                                                                                                 ^
""",
    ),
    bad(
        "an unknown dataflow",
        chip={"dataflow: ws": "dataflow: rs"},
        said="""
chip.yaml:7:59: tiles.compute.dataflow must be os, ws or is, not 'rs'
      compute: {kind: systolic, rows: 16, cols: 16, dataflow: rs, transposable: true}
                                                              ^
""",
    ),
    bad(
        "sums kept for an order of folds that the array does not have",
        chip={"dataflow: ws": "dataflow: ws, accumulators: 64"},
        said="""
chip.yaml:7:77: tiles.compute.accumulators must be left out where folds are n_outer, which finish one slice of outputs at a time
      compute: {kind: systolic, rows: 16, cols: 16, dataflow: ws, accumulators: 64, transposable: true}
                                                                                ^
""",
    ),
    bad(
        "an order of folds where outputs stay",
        chip={"dataflow: ws": "dataflow: os, drain: serial, folds: either"},
        said="""
chip.yaml:7:85: tiles.compute.folds must be n_outer or left out where dataflow is os
      compute: {kind: systolic, rows: 16, cols: 16, dataflow: os, drain: serial, folds: either, transposable: true}
                                                                                        ^
""",
    ),
    bad(
        "os without its drain, and with weights that stay",
        chip={"dataflow: ws": "dataflow: os, resident_folds: 4"},
        said="""
chip.yaml:7:3: tiles.compute.drain must be given where dataflow is os
      compute: {kind: systolic, rows: 16, cols: 16, dataflow: os, resident_folds: 4, transposable: true}
      ^
    overlapped: outputs leave while the next fold fills; serial: before it does
chip.yaml:7:79: tiles.compute.resident_folds must be 0 or left out where dataflow is os
      compute: {kind: systolic, rows: 16, cols: 16, dataflow: os, resident_folds: 4, transposable: true}
                                                                                  ^
""",
    ),
    bad(
        "a drain where weights stay",
        chip={"dataflow: ws": "dataflow: ws, drain: serial"},
        said="""
chip.yaml:7:70: tiles.compute.drain must be left out where dataflow is ws
      compute: {kind: systolic, rows: 16, cols: 16, dataflow: ws, drain: serial, transposable: true}
                                                                         ^
""",
    ),
    # --- Compute units ---
    bad(
        "no kind of compute unit",
        chip={"kind: systolic, ": ""},
        said="""
chip.yaml:7:3: tiles.compute.kind must be given
      compute: {rows: 16, cols: 16, dataflow: ws, transposable: true}
      ^
    one of systolic, simd, crossbar or serial
""",
    ),
    bad(
        "an unknown kind of compute unit",
        chip={"kind: systolic": "kind: vector"},
        said="""
chip.yaml:7:19: tiles.compute.kind must be systolic, simd, crossbar or serial, not 'vector'
      compute: {kind: vector, rows: 16, cols: 16, dataflow: ws, transposable: true}
                      ^
""",
    ),
    bad(
        "a list for a compute unit",
        chip={COMPUTE: "compute: [16, 16]"},
        said="""
chip.yaml:7:12: tiles.compute must be a mapping with the key kind and those of this kind, not [16, 16]
      compute: [16, 16]
               ^
""",
    ),
    bad(
        "keys of another kind",
        chip={"kind: systolic": "kind: simd"},
        said="""
chip.yaml:7:3: tiles.compute.lanes must be given
      compute: {kind: simd, rows: 16, cols: 16, dataflow: ws, transposable: true}
      ^
chip.yaml:7:3: tiles.compute.tree must be given
      compute: {kind: simd, rows: 16, cols: 16, dataflow: ws, transposable: true}
      ^
chip.yaml:7:25: tiles.compute.rows must be a known key, not 'rows'
      compute: {kind: simd, rows: 16, cols: 16, dataflow: ws, transposable: true}
                            ^
    a key of systolic or crossbar; those of simd are kind, transposable, transpose, lanes, tree
chip.yaml:7:35: tiles.compute.cols must be a known key, not 'cols'
      compute: {kind: simd, rows: 16, cols: 16, dataflow: ws, transposable: true}
                                      ^
    a key of systolic or crossbar; those of simd are kind, transposable, transpose, lanes, tree
chip.yaml:7:45: tiles.compute.dataflow must be a known key, not 'dataflow'
      compute: {kind: simd, rows: 16, cols: 16, dataflow: ws, transposable: true}
                                                ^
    a key of systolic; those of simd are kind, transposable, transpose, lanes, tree
""",
    ),
    bad(
        "no cores",
        chip={COMPUTE: "compute: {kind: serial, cores: 0, transposable: true}"},
        said="""
chip.yaml:7:34: tiles.compute.cores must be a whole number between 1 and 65536, not 0
      compute: {kind: serial, cores: 0, transposable: true}
                                     ^
""",
    ),
    bad(
        "no tree",
        chip={COMPUTE: "compute: {kind: simd, lanes: 8, tree: eight, transposable: true}"},
        said="""
chip.yaml:7:41: tiles.compute.tree must be a whole number between 1 and 65536, not 'eight'
      compute: {kind: simd, lanes: 8, tree: eight, transposable: true}
                                            ^
""",
    ),
    bad(
        "a crossbar without units and with impossible errors",
        chip={COMPUTE: CROSSBAR.replace("100 ns", "100").replace("adc_bits: 8", "adc_bits: 30")},
        said="""
chip.yaml:14:11: tiles.compute.read must be a time such as '80 ns', not 100
        read: 100
              ^
    units are fs, ps, ns, us, ms, s
chip.yaml:22:74: tiles.compute.analog.adc_bits must be a whole number between 2 and 24, not 30
        analog: {read_noise: 0.0, write_noise: 0.0, mismatch: 0.0, adc_bits: 30}
                                                                             ^
""",
    ),
    bad(
        "a crossbar of floats",
        chip={COMPUTE: CROSSBAR},
        said="""
chip.yaml:31:21: tiles.formats.weight must be a fixed point or integer format where tiles.compute.kind is crossbar, not 'fp32'
      formats: {weight: fp32, state: fp32, error: fp32, accumulate: fp32, optimiser: fp32}
                        ^
    cells hold and converters take integers, such as int8 or q4.12
chip.yaml:31:34: tiles.formats.state must be a fixed point or integer format where tiles.compute.kind is crossbar, not 'fp32'
      formats: {weight: fp32, state: fp32, error: fp32, accumulate: fp32, optimiser: fp32}
                                     ^
    cells hold and converters take integers, such as int8 or q4.12
chip.yaml:31:47: tiles.formats.error must be a fixed point or integer format where tiles.compute.kind is crossbar, not 'fp32'
      formats: {weight: fp32, state: fp32, error: fp32, accumulate: fp32, optimiser: fp32}
                                                  ^
    cells hold and converters take integers, such as int8 or q4.12
""",
    ),
    bad(
        "a crossbar too narrow for one weight",
        chip={
            COMPUTE: CROSSBAR.replace("cols: 128", "cols: 7"),
            "weight: fp32, state: fp32, error: fp32": "weight: int8, state: q4.12, error: q4.12",
        },
        said="""
chip.yaml:11:11: tiles.compute.cols must be at least 8, the cells of one weight, not 7
        cols: 7
              ^
""",
    ),
    bad(
        "a crossbar in which everything is wrong",
        chip={
            COMPUTE: """compute:
    kind: crossbar
    arrays: 0
    rows: 5000
    cols: 1
    cell_bits: 17
    dac_bits: 1.5
    read: 2 s
    adc_share: none
    adc_rate: 1 kbit
    update: serial
    write: -1 ns
    endurance: 1e9
    gradient_lanes: 0
    transposable: both
    analog: {read_noise: 2, write_noise: -0.1, mismatch: 1.0, adc_bits: 1}"""
        },
        said="""
chip.yaml:9:13: tiles.compute.arrays must be a whole number between 1 and 65536, not 0
        arrays: 0
                ^
chip.yaml:10:11: tiles.compute.rows must be a whole number between 1 and 4096, not 5000
        rows: 5000
              ^
chip.yaml:11:11: tiles.compute.cols must be a whole number between 2 and 4096, not 1
        cols: 1
              ^
chip.yaml:12:16: tiles.compute.cell_bits must be a whole number between 1 and 16, not 17
        cell_bits: 17
                   ^
chip.yaml:13:15: tiles.compute.dac_bits must be a whole number between 1 and 16, not 1.5
        dac_bits: 1.5
                  ^
chip.yaml:14:11: tiles.compute.read must be between 0 s and 1 s, not '2 s'
        read: 2 s
              ^
chip.yaml:15:16: tiles.compute.adc_share must be a whole number between 1 and 4096, not 'none'
        adc_share: none
                   ^
chip.yaml:16:15: tiles.compute.adc_rate must be a frequency such as '500 MHz', not '1 kbit'
        adc_rate: 1 kbit
                  ^
    units are Hz, kHz, MHz, GHz, THz
chip.yaml:17:13: tiles.compute.update must be row_serial or parallel, not 'serial'
        update: serial
                ^
    did you mean 'row_serial'?
chip.yaml:18:12: tiles.compute.write must be between 0 s and 1 s, not '-1 ns'
        write: -1 ns
               ^
chip.yaml:19:16: tiles.compute.endurance must be a whole number between 1 and 1000000000000000000, not 1000000000.0
        endurance: 1e9
                   ^
    write 1000000000
chip.yaml:20:21: tiles.compute.gradient_lanes must be a whole number between 1 and 65536, not 0
        gradient_lanes: 0
                        ^
chip.yaml:21:19: tiles.compute.transposable must be true or false, not 'both'
        transposable: both
                      ^
chip.yaml:22:26: tiles.compute.analog.read_noise must be a number from 0 to below 1, not 2
        analog: {read_noise: 2, write_noise: -0.1, mismatch: 1.0, adc_bits: 1}
                             ^
chip.yaml:22:42: tiles.compute.analog.write_noise must be a number from 0 to below 1, not -0.1
        analog: {read_noise: 2, write_noise: -0.1, mismatch: 1.0, adc_bits: 1}
                                             ^
chip.yaml:22:58: tiles.compute.analog.mismatch must be a number from 0 to below 1, not 1.0
        analog: {read_noise: 2, write_noise: -0.1, mismatch: 1.0, adc_bits: 1}
                                                             ^
chip.yaml:22:73: tiles.compute.analog.adc_bits must be a whole number between 2 and 24, not 1
        analog: {read_noise: 2, write_noise: -0.1, mismatch: 1.0, adc_bits: 1}
                                                                            ^
""",
    ),
    bad(
        "edges of a kind that there is not",
        chip={"dataflow: ws": "dataflow: ws, edges: none"},
        said="""
chip.yaml:7:70: tiles.compute.edges must be full or trimmed, not 'none'
      compute: {kind: systolic, rows: 16, cols: 16, dataflow: ws, edges: none, transposable: true}
                                                                         ^
""",
    ),
    bad(
        "weights in DRAM that cells are to keep",
        chip={
            "dataflow: ws": "dataflow: ws, resident_folds: 4",
            "cell: lstp": "cell: lstp\n    weights: streamed",
        },
        said="""
chip.yaml:15:14: tiles.sram.weights must be resident where tiles.compute.resident_folds keeps weights, not 'streamed'
        weights: streamed
                 ^
""",
    ),
    bad(
        "weights in DRAM and a second copy of them",
        chip={
            "transposable: true": "transposable: false, transpose: copy",
            "cell: lstp": "cell: lstp\n    weights: streamed",
        },
        said="""
chip.yaml:15:14: tiles.sram.weights must be resident where tiles.compute.transpose is copy, not 'streamed'
        weights: streamed
                 ^
""",
    ),
    bad(
        "weights in a buffer that there is not",
        chip={"cell: lstp": "cell: lstp\n    weights: buffered"},
        said="""
chip.yaml:15:14: tiles.sram.weights must be resident or streamed where there is no buffer, not 'buffered'
        weights: buffered
                 ^
""",
    ),
    bad(
        "weights in a buffer that cells are to keep",
        chip={
            "dataflow: ws": "dataflow: ws, resident_folds: 4",
            "cell: lstp": "cell: lstp\n    weights: buffered",
            "dram:": "buffer: {size: 1 MiB, banks: 16, port: 32 B/cycle, latency: 5 cycles, cell: lstp}\ndram:",
        },
        said="""
chip.yaml:15:14: tiles.sram.weights must be resident where tiles.compute.resident_folds keeps weights, not 'buffered'
        weights: buffered
                 ^
""",
    ),
    bad(
        "a buffer of which nothing is right",
        chip={
            "dram:": "buffer: {size: unlimited, banks: 0, port: 32 B, latency: -1 cycles, cell: sram, ways: 4}\ndram:"
        },
        said="""
chip.yaml:18:16: buffer.size must be a size such as '64 KiB', not 'unlimited'
    buffer: {size: unlimited, banks: 0, port: 32 B, latency: -1 cycles, cell: sram, ways: 4}
                   ^
    units are B, kB, KiB, MB, MiB, GB, GiB, TB, TiB
chip.yaml:18:34: buffer.banks must be a whole number between 1 and 65536, not 0
    buffer: {size: unlimited, banks: 0, port: 32 B, latency: -1 cycles, cell: sram, ways: 4}
                                     ^
chip.yaml:18:43: buffer.port must be a width such as '32 B/cycle', not '32 B'
    buffer: {size: unlimited, banks: 0, port: 32 B, latency: -1 cycles, cell: sram, ways: 4}
                                              ^
    units are B/cycle, kB/cycle, KiB/cycle, MB/cycle, MiB/cycle
chip.yaml:18:58: buffer.latency must be between 0 cycles and 1000000 cycles, not '-1 cycles'
    buffer: {size: unlimited, banks: 0, port: 32 B, latency: -1 cycles, cell: sram, ways: 4}
                                                             ^
chip.yaml:18:75: buffer.cell must be lstp, lop or hp, not 'sram'
    buffer: {size: unlimited, banks: 0, port: 32 B, latency: -1 cycles, cell: sram, ways: 4}
                                                                              ^
chip.yaml:18:81: buffer.ways must be a known key, not 'ways'
    buffer: {size: unlimited, banks: 0, port: 32 B, latency: -1 cycles, cell: sram, ways: 4}
                                                                                    ^
    known keys: size, banks, port, latency, cell
""",
    ),
    bad(
        "a buffer of which little is said",
        chip={"dram:": "buffer: {size: 1 MiB}\ndram:"},
        said="""
chip.yaml:18:1: buffer.banks must be given
    buffer: {size: 1 MiB}
    ^
chip.yaml:18:1: buffer.port must be given
    buffer: {size: 1 MiB}
    ^
chip.yaml:18:1: buffer.latency must be given
    buffer: {size: 1 MiB}
    ^
chip.yaml:18:1: buffer.cell must be given
    buffer: {size: 1 MiB}
    ^
""",
    ),
    bad(
        "banks of a buffer that the technology does not price",
        chip={
            "dram:": "buffer: {size: 1 MiB, banks: 256, port: 4 B/cycle, latency: 5 cycles, cell: lop}\ndram:"
        },
        said="""
chip.yaml:18:16: buffer.size / buffer.banks must be 8 KiB to 1 MiB, the macros that horowitz-45nm prices, not 4 KiB
    buffer: {size: 1 MiB, banks: 256, port: 4 B/cycle, latency: 5 cycles, cell: lop}
                   ^
    choose another number of banks, or give costs of your own for buffer
""",
    ),
    # --- Extensions ---
    bad(
        "an extension that is no list",
        chip={"tiles:": "extensions: dot.py\ntiles:"},
        said="""
chip.yaml:5:13: extensions must be a list of paths of Python files, not 'dot.py'
    extensions: dot.py
                ^
""",
    ),
    bad(
        "an extension that is no Python file",
        chip={"tiles:": "extensions: [dot.yaml, 3]\ntiles:"},
        said="""
chip.yaml:5:14: extensions[0] must be the path of a Python file such as ./dot.py, not 'dot.yaml'
    extensions: [dot.yaml, 3]
                 ^
chip.yaml:5:24: extensions[1] must be the path of a Python file such as ./dot.py, not 3
    extensions: [dot.yaml, 3]
                           ^
""",
    ),
    bad(
        "refreshing all the time",
        chip={"  latency: 80 ns": "  latency: 80 ns\n  refresh: {time: 4 us, interval: 3.9 us}"},
        said="""
chip.yaml:24:19: dram.refresh.time must be shorter than the interval 3.9 us, not '4 us'
      refresh: {time: 4 us, interval: 3.9 us}
                      ^
""",
    ),
    bad(
        "rows without banks",
        chip={"  latency: 80 ns": "  latency: 80 ns\n  rows: {size: 2 KiB, miss: 36 ns}"},
        said="""
chip.yaml:24:3: dram.rows.banks must be given
      rows: {size: 2 KiB, miss: 36 ns}
      ^
""",
    ),
    bad(
        "a burst of no bytes",
        chip={"  latency: 80 ns": "  latency: 80 ns\n  burst: 0 B"},
        said="""
chip.yaml:24:10: dram.burst must be between 1 B and 64 KiB, not '0 B'
      burst: 0 B
             ^
""",
    ),
    bad(
        "a placement that nobody knows",
        chip={"  mesh: [8, 8]": "  mesh: [8, 8]\n  placement: random"},
        said="""
chip.yaml:7:14: tiles.placement must be snake or search, not 'random'
      placement: random
                 ^
""",
    ),
    bad(
        "words that lie in no known order",
        chip={"    cell: lstp": "    cell: lstp\n    banking: interleave"},
        said="""
chip.yaml:15:14: tiles.sram.banking must be skewed or interleaved, not 'interleave'
        banking: interleave
                 ^
    did you mean 'interleaved'?
""",
    ),
    bad(
        "a gate that keeps everything on, and one without its times",
        chip={
            "  dma: {setup": "  power:\n    compute: {gate: idle, after: 50 cycles, wake: 5 cycles, retention: 1}\n"
            "    vector: {gate: always}\n  dma: {setup"
        },
        said="""
chip.yaml:16:72: tiles.power.compute.retention must be a number from 0 to below 1, not 1
        compute: {gate: idle, after: 50 cycles, wake: 5 cycles, retention: 1}
                                                                           ^
chip.yaml:17:5: tiles.power.vector.after must be given
        vector: {gate: always}
        ^
chip.yaml:17:5: tiles.power.vector.wake must be given
        vector: {gate: always}
        ^
chip.yaml:17:5: tiles.power.vector.retention must be given
        vector: {gate: always}
        ^
chip.yaml:17:20: tiles.power.vector.gate must be none or idle, not 'always'
        vector: {gate: always}
                       ^
""",
    ),
    bad(
        "a network of an unknown shape",
        chip={"topology: mesh": "topology: htree"},
        said="""
chip.yaml:17:17: noc.topology must be mesh, torus, ring, bus, h-tree or neighbour, not 'htree'
    noc: {topology: htree, link: 32 B/cycle, router_latency: 3 cycles, link_latency: 1 cycle, hop_length: 2 mm}
                    ^
    did you mean 'h-tree'?
""",
    ),
    bad(
        "a misspelt word",
        chip={"cell: lstp": "cell: ltsp"},
        said="""
chip.yaml:14:11: tiles.sram.cell must be lstp, lop or hp, not 'ltsp'
        cell: ltsp
              ^
    did you mean 'lstp'?
""",
    ),
    bad(
        "a format nobody knows",
        chip={"optimiser: fp32": "optimiser: bf61"},
        said="""
chip.yaml:16:82: tiles.formats.optimiser must be a number format such as 'bf16', 'fp8_e4m3', 'q4.12', 'int8' or 'bfp8/16', not 'bf61'
      formats: {weight: fp32, state: fp32, error: fp32, accumulate: fp32, optimiser: bf61}
                                                                                     ^
    did you mean 'bf16'?
""",
    ),
    bad(
        "integer sums of numbers that are no integers",
        chip={
            "state: fp32, error: fp32, accumulate: fp32": "state: int8, error: fp32, accumulate: int32",
            "weight: fp32": "weight: int8_pow2",
        },
        said="""
chip.yaml:16:39: tiles.formats.state must be an integer format of at most 8 bits with a scale of a power of two where tiles.formats.accumulate is int32, not 'int8'
      formats: {weight: int8_pow2, state: int8, error: fp32, accumulate: int32, optimiser: fp32}
                                          ^
    write int8_pow2, or accumulate: fp32
chip.yaml:16:52: tiles.formats.error must be an integer format of at most 8 bits with a scale of a power of two where tiles.formats.accumulate is int32, not 'fp32'
      formats: {weight: int8_pow2, state: int8, error: fp32, accumulate: int32, optimiser: fp32}
                                                       ^
    write int8_pow2, or accumulate: fp32
""",
    ),
    bad(
        "a misspelt order",
        work={"order: jacobi": "order: gaus_seidel"},
        said="""
work.yaml:18:10: pc.order must be jacobi, gauss_seidel or red_black, not 'gaus_seidel'
      order: gaus_seidel
             ^
    did you mean 'gauss_seidel'?
""",
    ),
    bad(
        "an activation that there is not",
        work={"activation: tanh": "activation: swish"},
        said="""
work.yaml:5:15: network.activation must be linear, tanh, relu, leaky_relu, gelu, silu, sigmoid or hard_tanh, not 'swish'
      activation: swish
                  ^
""",
    ),
    bad(
        "a name with a blank",
        chip={"name: chip": "name: my chip"},
        said="""
chip.yaml:2:7: name must be a name of at most 64 letters, digits, '.', '_' and '-', not 'my chip'
    name: my chip
          ^
""",
    ),
    bad(
        "a name that is a path",
        chip={"name: chip": "name: ../chip"},
        said="""
chip.yaml:2:7: name must be a name of at most 64 letters, digits, '.', '_' and '-', not '../chip'
    name: ../chip
          ^
""",
    ),
    bad(
        "a name that is a number",
        chip={"name: chip": "name: 64"},
        said="""
chip.yaml:2:7: name must be a name of at most 64 letters, digits, '.', '_' and '-', not 64
    name: 64
          ^
""",
    ),
    # --- Lists ---
    bad(
        "a mesh of one number",
        chip={"[8, 8]": "[8]"},
        said="""
chip.yaml:6:9: tiles.mesh must be a list of two whole numbers [rows, columns], not [8]
      mesh: [8]
            ^
""",
    ),
    bad(
        "a mesh of three numbers",
        chip={"[8, 8]": "[8, 8, 8]"},
        said="""
chip.yaml:6:9: tiles.mesh must be a list of two whole numbers [rows, columns], not [8, 8, 8]
      mesh: [8, 8, 8]
            ^
""",
    ),
    bad(
        "a mesh too large",
        chip={"[8, 8]": "[100000, 100000]"},
        said="""
chip.yaml:6:10: tiles.mesh[0] must be a whole number between 1 and 256, not 100000
      mesh: [100000, 100000]
             ^
chip.yaml:6:18: tiles.mesh[1] must be a whole number between 1 and 256, not 100000
      mesh: [100000, 100000]
                     ^
""",
    ),
    bad(
        "a mesh in words",
        chip={"[8, 8]": "8x8"},
        said="""
chip.yaml:6:9: tiles.mesh must be a list of two whole numbers [rows, columns], not '8x8'
      mesh: 8x8
            ^
""",
    ),
    bad(
        "layers in words",
        work={"[64, 64, 64, 10]": "64-64-10"},
        said="""
work.yaml:4:11: network.layers must be a list of 2 to 1025 whole numbers, the widths from input to output, not '64-64-10'
      layers: 64-64-10
              ^
""",
    ),
    bad(
        "one layer",
        work={"[64, 64, 64, 10]": "[64]"},
        said="""
work.yaml:4:11: network.layers must be a list of 2 to 1025 whole numbers, the widths from input to output, not [64]
      layers: [64]
              ^
""",
    ),
    bad(
        "a layer too wide",
        work={"[64, 64, 64, 10]": "[64, 10000000, 10]"},
        said="""
work.yaml:4:16: network.layers[1] must be a whole number between 1 and 65536, not 10000000
      layers: [64, 10000000, 10]
                   ^
""",
    ),
    bad(
        "layers of all kinds",
        work={"[64, 64, 64, 10]": "[64, 0, -1, 6.5, ten, null, [64], {a: 1}, true, 10]"},
        said="""
work.yaml:4:16: network.layers[1] must be a whole number between 1 and 65536, not 0
      layers: [64, 0, -1, 6.5, ten, null, [64], {a: 1}, true, 10]
                   ^
work.yaml:4:19: network.layers[2] must be a whole number between 1 and 65536, not -1
      layers: [64, 0, -1, 6.5, ten, null, [64], {a: 1}, true, 10]
                      ^
work.yaml:4:23: network.layers[3] must be a whole number between 1 and 65536, not 6.5
      layers: [64, 0, -1, 6.5, ten, null, [64], {a: 1}, true, 10]
                          ^
work.yaml:4:28: network.layers[4] must be a whole number between 1 and 65536, not 'ten'
      layers: [64, 0, -1, 6.5, ten, null, [64], {a: 1}, true, 10]
                               ^
work.yaml:4:33: network.layers[5] must be a whole number between 1 and 65536, not null
      layers: [64, 0, -1, 6.5, ten, null, [64], {a: 1}, true, 10]
                                    ^
work.yaml:4:39: network.layers[6] must be a whole number between 1 and 65536, not [64]
      layers: [64, 0, -1, 6.5, ten, null, [64], {a: 1}, true, 10]
                                          ^
work.yaml:4:45: network.layers[7] must be a whole number between 1 and 65536, not a mapping
      layers: [64, 0, -1, 6.5, ten, null, [64], {a: 1}, true, 10]
                                                ^
work.yaml:4:53: network.layers[8] must be a whole number between 1 and 65536, not true
      layers: [64, 0, -1, 6.5, ten, null, [64], {a: 1}, true, 10]
                                                        ^
""",
    ),
    bad(
        "more layers than are believed",
        work={"[64, 64, 64, 10]": "[" + "64, " * 1100 + "10]"},
        said="""
work.yaml:4:11: network.layers must be a list of 2 to 1025 whole numbers, the widths from input to output, not [64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, ...
      layers: [64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 6...
              ^
""",
    ),
    # --- What does not belong together ---
    bad(
        "a first layer unlike the images",
        work={"[64, 64, 64, 10]": "[784, 64, 10]"},
        said="""
work.yaml:4:12: network.layers[0] must be 64, the width of digits, not 784
      layers: [784, 64, 10]
               ^
""",
    ),
    bad(
        "a last layer unlike the classes",
        work={"[64, 64, 64, 10]": "[64, 64, 11]"},
        said="""
work.yaml:4:20: network.layers[2] must be 10, the classes of digits, not 11
      layers: [64, 64, 11]
                       ^
""",
    ),
    bad(
        "a batch larger than the training images",
        work={"batch: 32": "batch: 1201"},
        said="""
work.yaml:9:10: training.batch must be at most data.train = 1200, not 1201
      batch: 1201
             ^
""",
    ),
    bad(
        "a batch of a thousand million",
        work={"batch: 32": "batch: 1000000000"},
        said="""
work.yaml:9:10: training.batch must be a whole number between 1 and 65536, not 1000000000
      batch: 1000000000
             ^
""",
    ),
    bad(
        "more images than there are",
        work={"train: 1200": "train: 1300"},
        said="""
work.yaml:7:1: data must have train, validation and test of at most 1797 images together, as digits has, not 1300 + 297 + 300 = 1897
    data: {dataset: digits, train: 1300, validation: 297, test: 300, normalise: true}
    ^
""",
    ),
    bad(
        "a misspelt dataset",
        work={"dataset: digits": "dataset: digts"},
        said="""
work.yaml:7:17: data.dataset must be <datasets> or a path such as ./folder or images.npz, not 'digts'
    data: {dataset: digts, train: 1200, validation: 297, test: 300, normalise: true}
                    ^
    did you mean 'digits'?
""",
    ),
    bad(
        "a dataset that nobody ships",
        work={"dataset: digits": "dataset: imagenet"},
        said="""
work.yaml:7:17: data.dataset must be <datasets> or a path such as ./folder or images.npz, not 'imagenet'
    data: {dataset: imagenet, train: 1200, validation: 297, test: 300, normalise: true}
                    ^
""",
    ),
    # --- Names of costs, and costs ---
    bad(
        "a misspelt technology",
        chip={"horowitz-45nm": "horowitz-45"},
        said="""
chip.yaml:4:13: technology must be horowitz-45nm, jouppi-7nm or stillmaker-28nm, not 'horowitz-45'
    technology: horowitz-45
                ^
    did you mean 'horowitz-45nm'?
""",
    ),
    bad(
        "a technology that nobody ships",
        chip={"horowitz-45nm": "tsmc-n3"},
        said="""
chip.yaml:4:13: technology must be horowitz-45nm, jouppi-7nm or stillmaker-28nm, not 'tsmc-n3'
    technology: tsmc-n3
                ^
""",
    ),
    bad(
        "a misspelt kind of DRAM",
        chip={"kind: lpddr4": "kind: lpddr"},
        said="""
chip.yaml:19:9: dram.kind must be lpddr4, ddr4 or hbm2, not 'lpddr'
      kind: lpddr
            ^
    did you mean 'lpddr4'?
""",
    ),
    bad(
        "banks that the technology does not price",
        chip={"192 KiB": "4 KiB"},
        said="""
chip.yaml:11:11: tiles.sram.size / tiles.sram.banks must be 8 KiB to 1 MiB, the macros that horowitz-45nm prices, not 1 KiB
        size: 4 KiB
              ^
    choose another number of banks, or give costs of your own for sram
""",
    ),
    bad(
        "a cost of nothing",
        chip={"noc:": "costs:\n  array.mack: {energy: 4 pJ, source: ours}\nnoc:"},
        said="""
chip.yaml:18:3: costs.array.mack must be the key of a cost, not 'array.mack'
      array.mack: {energy: 4 pJ, source: ours}
      ^
    did you mean array.mac?
""",
    ),
    bad(
        "a cost without a source",
        chip={"noc:": "costs:\n  array.mac: {energy: 4 pJ}\nnoc:"},
        said="""
chip.yaml:18:3: costs.array.mac.source must be given
      array.mac: {energy: 4 pJ}
      ^
""",
    ),
    bad(
        "a cost with an empty source",
        chip={"noc:": "costs:\n  array.mac: {energy: 4 pJ, source: ''}\nnoc:"},
        said="""
chip.yaml:18:37: costs.array.mac.source must be a line of text, not ''
      array.mac: {energy: 4 pJ, source: ''}
                                        ^
""",
    ),
    bad(
        "a cost of two quantities",
        chip={"noc:": "costs:\n  array.mac: {energy: 4 pJ, power: 1 mW, source: ours}\nnoc:"},
        said="""
chip.yaml:18:3: costs.array.mac must give exactly one of energy, power and area, not energy and power
      array.mac: {energy: 4 pJ, power: 1 mW, source: ours}
      ^
""",
    ),
    bad(
        "a cost without a quantity",
        chip={"noc:": "costs:\n  array.mac: {source: ours}\nnoc:"},
        said="""
chip.yaml:18:3: costs.array.mac must give exactly one of energy, power and area, not none
      array.mac: {source: ours}
      ^
""",
    ),
    bad(
        "an energy where power belongs",
        chip={"noc:": "costs:\n  leakage.array: {energy: 4 pJ, source: ours}\nnoc:"},
        said="""
chip.yaml:18:3: costs.leakage.array must give power, not energy
      leakage.array: {energy: 4 pJ, source: ours}
      ^
    for example power: 0.2 mW, per PE
""",
    ),
    bad(
        "a cost in the wrong unit",
        chip={"noc:": "costs:\n  array.mac: {energy: 4 mW, source: ours}\nnoc:"},
        said="""
chip.yaml:18:23: costs.array.mac.energy must be an energy such as '4.6 pJ', not '4 mW'
      array.mac: {energy: 4 mW, source: ours}
                          ^
    units are fJ, pJ, nJ, uJ, mJ, J
""",
    ),
    bad(
        "a negative cost",
        chip={"noc:": "costs:\n  array.mac: {energy: -4 pJ, source: ours}\nnoc:"},
        said="""
chip.yaml:18:23: costs.array.mac.energy must be between 0 J and 1 J, not '-4 pJ'
      array.mac: {energy: -4 pJ, source: ours}
                          ^
""",
    ),
    bad(
        "bounds that exclude the cost",
        chip={
            "noc:": "costs:\n  array.mac: {energy: 4 pJ, low: 5 pJ, high: 3 pJ, source: ours}\nnoc:"
        },
        said="""
chip.yaml:18:34: costs.array.mac.low must be at most the energy 4 pJ, not '5 pJ'
      array.mac: {energy: 4 pJ, low: 5 pJ, high: 3 pJ, source: ours}
                                     ^
chip.yaml:18:46: costs.array.mac.high must be at least the energy 4 pJ, not '3 pJ'
      array.mac: {energy: 4 pJ, low: 5 pJ, high: 3 pJ, source: ours}
                                                 ^
""",
    ),
    bad(
        "a cost that is a number",
        chip={"noc:": "costs:\n  array.mac: 4 pJ\nnoc:"},
        said="""
chip.yaml:18:14: costs.array.mac must be a mapping with the keys energy, power, area, source, low, high, not '4 pJ'
      array.mac: 4 pJ
                 ^
""",
    ),
    bad(
        "an unknown key in a cost",
        chip={"noc:": "costs:\n  array.mac: {energy: 4 pJ, sauce: ours}\nnoc:"},
        said="""
chip.yaml:18:29: costs.array.mac.sauce must be a known key, not 'sauce'
      array.mac: {energy: 4 pJ, sauce: ours}
                                ^
    did you mean 'costs.array.mac.source'?
""",
    ),
    bad(
        "costs in sections",
        chip={"noc:": "costs:\n  array: {mac: {energy: 4 pJ, source: ours}}\nnoc:"},
        said="""
chip.yaml:18:3: costs.array.source must be given
      array: {mac: {energy: 4 pJ, source: ours}}
      ^
chip.yaml:18:11: costs.array.mac must be a known key, not 'mac'
      array: {mac: {energy: 4 pJ, source: ours}}
              ^
    write one key with a dot, 'array.mac'
""",
    ),
    bad(
        "costs that are a list",
        chip={"noc:": "costs: [4 pJ]\nnoc:"},
        said="""
chip.yaml:17:8: costs must be a mapping, not ['4 pJ']
    costs: [4 pJ]
           ^
""",
    ),
    # --- extends ---
    bad(
        "extending what is not there",
        chip={"clock: 500 MHz": "extends: tile46"},
        said="""
chip.yaml:3:10: extends must be a file beside this one or one of <chips>, not 'tile46'
    extends: tile46
             ^
    did you mean 'tile64'?
""",
    ),
    bad(
        "extending itself",
        chip={"clock: 500 MHz": "extends: chip.yaml"},
        said="""
chip.yaml:3:10: extends must be a file beside this one or one of <chips>, not 'chip.yaml'
    extends: chip.yaml
             ^
    a file cannot extend itself
""",
    ),
    bad(
        "extending a workload by name",
        chip={"clock: 500 MHz": "extends: mlp128"},
        said="""
chip.yaml:3:10: extends must be a file beside this one or one of <chips>, not 'mlp128'
    extends: mlp128
             ^
    mlp128 is a workload file
""",
    ),
    bad(
        "extending a workload by path",
        chip={"clock: 500 MHz": "extends: work.yaml"},
        said="""
work.yaml:1:9: schema must be 'pcsim/hardware/1', not 'pcsim/workload/1'
    schema: pcsim/workload/1
            ^
    this is a workload file, where a hardware file is expected
""",
    ),
    bad(
        "extending a folder",
        chip={"clock: 500 MHz": "extends: .."},
        said="""
chip.yaml:3:10: extends must be a file beside this one or one of <chips>, not '..'
    extends: ..
             ^
    this is a folder
""",
    ),
    bad(
        "extending a device",
        chip={"clock: 500 MHz": "extends: /dev/zero"},
        said="""
chip.yaml:3:10: extends must be a file beside this one or one of <chips>, not '/dev/zero'
    extends: /dev/zero
             ^
    this is no regular file
""",
    ),
    bad(
        "extending two files",
        chip={"clock: 500 MHz": "extends: [tile64, ideal]"},
        said="""
chip.yaml:3:10: extends must be a file beside this one or one of <chips>, not ['tile64', 'ideal']
    extends: [tile64, ideal]
             ^
""",
    ),
    bad(
        "extending nothing",
        chip={"clock: 500 MHz": "extends:"},
        said="""
chip.yaml:3:9: extends must be a file beside this one or one of <chips>, not null
    extends:
            ^
""",
    ),
    bad(
        "extending a name that no file can have",
        chip={"clock: 500 MHz": 'extends: "a\\0b"'},
        said="""
chip.yaml:3:10: extends must be a file beside this one or one of <chips>, not 'a\\x00b'
    extends: "a\\0b"
             ^
""",
    ),
    # --- Settings ---
    bad(
        "no value",
        settings=["pc.steps"],
        said="""
--set must be path=value, not 'pc.steps'
    for example --set tiles.vector.lanes=32
""",
    ),
    bad(
        "an empty value",
        settings=["pc.steps="],
        said="""
--set pc.steps=: pc.steps must be set to a YAML value, not ''
""",
    ),
    bad(
        "no path",
        settings=["=3"],
        said="""
--set must begin with a key of the hardware or workload file, not ''
""",
    ),
    bad(
        "two dots",
        settings=["pc..steps=3"],
        said="""
--set must be path=value, not 'pc..steps=3'
    for example --set tiles.vector.lanes=32
""",
    ),
    bad(
        "a path without its section",
        settings=["steps=3"],
        said="""
--set must begin with a key of the hardware or workload file, not 'steps'
    did you mean 'pc.steps'?
""",
    ),
    bad(
        "a path that two sections have",
        settings=["lanes=3"],
        said="""
--set must begin with a key of the hardware or workload file, not 'lanes'
    did you mean 'tiles.compute.lanes', 'tiles.vector.lanes', 'tiles.update.lanes' or 'tiles.adder.lanes'?
""",
    ),
    bad(
        "a key of both files",
        settings=["name=x"],
        said="""
--set name must name its file: hardware.name or workload.name
""",
    ),
    bad(
        "an unknown path",
        settings=["pc.stepz=3"],
        said="""
--set pc.stepz=3: pc.stepz must be a known key, not 'stepz'
    did you mean 'pc.steps'?
""",
    ),
    bad(
        "an unknown section",
        settings=["pcs.steps=3"],
        said="""
--set must begin with a key of the hardware or workload file, not 'pcs.steps'
    did you mean 'pc.steps'?
""",
    ),
    bad(
        "past the end of a list",
        settings=["network.layers[4]=10"],
        said="""
--set network.layers[4]=10: network.layers must be set at [0] to [3] or as a whole, not at [4]
""",
    ),
    bad(
        "before the beginning of a list",
        settings=["network.layers[-1]=10"],
        said="""
--set network.layers[-1]=10: network.layers must be set at [0] to [3] or as a whole, not at [-1]
""",
    ),
    bad(
        "a word as an index",
        settings=["network.layers.last=10"],
        said="""
--set network.layers.last=10: network.layers must be set at [0] to [3] or as a whole, not at [last]
""",
    ),
    bad(
        "a part of a number",
        settings=["pc.steps.first=3"],
        said="""
--set pc.steps.first=3: pc.steps must be set as a whole: it has no part 'first'
""",
    ),
    bad(
        "a section by a number",
        settings=["pc=3"],
        said="""
--set pc=3: pc must be a mapping with the keys variant, steps, rate, order, descent, momentum, tolerance, threshold, nudging, beta, wavefront, hoist, gated, schedule, window, micro_batches, spread, check_lag, full_credit, optimiser, not 3
""",
    ),
    bad(
        "a value out of bounds",
        settings=["pc.steps=0"],
        said="""
--set pc.steps=0: pc.steps must be a whole number between 1 and 100000, not 0
""",
    ),
    bad(
        "YAML that is not closed",
        settings=["network.layers=[64, 10"],
        said="""
--set network.layers=[64, 10: network.layers must be set to a YAML value, not '[64, 10'
    this bracket is not closed, or a comma is missing behind it
""",
    ),
    bad(
        "a key twice in a value",
        settings=["bp.optimiser={kind: sgd, kind: adam, rate: 1}"],
        said="""
--set bp.optimiser={kind: sgd, kind: adam, rate: 1}: bp.optimiser must be set to a YAML value, not '{kind: sgd, kind: adam, rate: 1}'
    kind must be given once, not again
""",
    ),
    bad(
        "a path of thousands of parts",
        settings=["pc" + ".a" * 3000 + "=1"],
        said="""
--set must be path=value, not 'pc.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a...
    for example --set tiles.vector.lanes=32
""",
    ),
    bad(
        "several wrong settings",
        settings=["pc.steps=0", "tiles.mesh=[1]", "x=1", "training.batch=0"],
        said="""
--set tiles.mesh=[1]: tiles.mesh must be a list of two whole numbers [rows, columns], not [1]
--set pc.steps=0: pc.steps must be a whole number between 1 and 100000, not 0
--set training.batch=0: training.batch must be a whole number between 1 and 65536, not 0
--set must begin with a key of the hardware or workload file, not 'x'
""",
    ),
    # --- Several mistakes ---
    bad(
        "mistakes in both files and in settings",
        chip={"500 MHz": "fast", "rows: 16": "rows: 0", "banks: 4": "bank: 4"},
        work={"activation: tanh": "activation: tan", "[64, 64": "[65, 64", "steps: 3": "steps: no"},
        settings=["noc.link=3", "pc.rate=0", "x=1"],
        said="""
--set noc.link=3: noc.link must be a width such as '32 B/cycle', not 3
    units are B/cycle, kB/cycle, KiB/cycle, MB/cycle, MiB/cycle
chip.yaml:3:8: clock must be a frequency such as '500 MHz', not 'fast'
    clock: fast
           ^
    units are Hz, kHz, MHz, GHz, THz
chip.yaml:7:35: tiles.compute.rows must be a whole number between 1 and 4096, not 0
      compute: {kind: systolic, rows: 0, cols: 16, dataflow: ws, transposable: true}
                                      ^
chip.yaml:12:5: tiles.sram.bank must be a known key, not 'bank'
        bank: 4
        ^
    did you mean 'tiles.sram.banks'?
--set pc.rate=0: pc.rate must be a number above 0 and at most 1000, not 0
work.yaml:4:12: network.layers[0] must be 64, the width of digits, not 65
      layers: [65, 64, 64, 10]
               ^
work.yaml:5:15: network.activation must be linear, tanh, relu, leaky_relu, gelu, silu, sigmoid or hard_tanh, not 'tan'
      activation: tan
                  ^
    did you mean 'tanh'?
work.yaml:16:10: pc.steps must be a whole number between 1 and 100000, not 'no'
      steps: no
             ^
--set must begin with a key of the hardware or workload file, not 'x'
""",
    ),
    # --- Very long input ---
    bad(
        "a very long name",
        chip={"name: chip": "name: " + "x" * 5000},
        said="""
chip.yaml:2:7: name must be a name of at most 64 letters, digits, '.', '_' and '-', not 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
    name: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
          ^
""",
    ),
    bad(
        "a very long key",
        chip={"noc:": "? " + "k" * 5000 + "\n: 1\nnoc:"},
        said="""
chip.yaml:17:3: a key must be a word, not 'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk...
    ? kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk...
      ^
""",
    ),
]
