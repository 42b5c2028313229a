"""Everything that is wrong is told in the first round, each at its place, wherever it was written."""

import re

import pytest

from pcsim.config import Hardware, Workload, datasets, load_hardware, shipped
from pcsim.config.paths import path_meant, paths_of
from pcsim.errors import InputError, MissingCostError
from pcsim.intake import load_pair
from pcsim.sweeps import points_of, read_plan
from pcsim.technology import price_list
from tests.helpers.door import pcsim

CHIP = "schema: pcsim/hardware/1\nname: c\nextends: {base}\n"
WORK = "schema: pcsim/workload/1\nname: w\nextends: digits\n"


def write(here, name, text):
    (here / name).write_text(text)
    return name


def places(error):
    """File, line and the path of every complaint."""
    return [
        (each.file, each.line, re.split(r" (?:must|has)", each.message)[0])
        for each in error.problems
    ]


def refused(chip, work, *overrides):
    with pytest.raises(InputError) as caught:
        load_pair(chip, work, overrides=overrides)
    return caught.value


def test_names_costs_and_slips_of_both_files_and_of_settings_are_told_together(here):
    chip = write(
        here,
        "c.yaml",
        CHIP.format(base="tile64")
        + "clock: fast\ndram: {kind: lpddr5}\ntiles: {formats: {weight: fp8_e4m3}}\n"
        "costs: {array.mat: {energy: 1 pJ, source: s}}\n",
    )
    work = write(here, "w.yaml", WORK + "data: {dataset: nosuch}\npc: {steps: 0, stepz: 1}\n")
    error = refused(chip, work, "noc.link=-1 B/cycle", "training.batch=many")
    assert places(error) == [
        ("--set noc.link=-1 B/cycle", 0, "noc.link"),
        ("c.yaml", 4, "clock"),
        ("c.yaml", 5, "dram.kind"),
        ("c.yaml", 7, "costs.array.mat"),
        ("c.yaml", 6, "technology horowitz-45nm"),
        ("--set training.batch=many", 0, "training.batch"),
        ("w.yaml", 4, "data.dataset"),
        ("w.yaml", 5, "pc.steps"),
        ("w.yaml", 5, "pc.stepz"),
    ]
    assert "did you mean 'lpddr4'?" in str(error)


def test_a_technology_by_its_node_is_answered_with_its_name(here):
    chip = write(here, "c.yaml", CHIP.format(base="tile64") + "technology: 28nm\n")
    error = refused(chip, "digits")
    assert str(error) == (
        "c.yaml:4:13: technology must be horowitz-45nm, jouppi-7nm or stillmaker-28nm, not '28nm'\n"
        "    technology: 28nm\n                ^\n    did you mean 'stillmaker-28nm'?"
    )


def test_rules_within_a_section_are_told_beside_a_slip_in_it(here):
    text = "tiles: {sram: {size: unlimited, banks: none}}\n"
    error = refused(write(here, "c.yaml", CHIP.format(base="tile64") + text), "digits")
    assert [place[2] for place in places(error)] == ["tiles.sram.priced_as", "tiles.sram.banks"]


@pytest.mark.parametrize("name", shipped("hardware"))
def test_a_slip_alone_is_told_alone_on_every_chip(here, name):
    for number, text in enumerate(("clock: fast", "noc: {link: 3}", "tiles: {sram: {bank: 3}}")):
        chip = write(here, f"c{number}.yaml", CHIP.format(base=name) + text + "\n")
        assert len(refused(chip, "digits").problems) == 1


def test_a_cost_that_no_table_gives_is_asked_for_at_the_line_that_needs_it(here):
    formats = "tiles:\n  formats:\n    weight: fp8_e4m3\n    state: int3\n"
    chip = write(here, "c.yaml", CHIP.format(base="tile64") + formats)
    with pytest.raises(MissingCostError) as caught:
        price_list(load_hardware(chip))
    assert places(caught.value) == [
        ("c.yaml", 6, "technology horowitz-45nm"),
        ("c.yaml", 7, "technology horowitz-45nm"),
    ]


def test_data_that_are_not_installed_are_told_where_they_are_named(here, monkeypatch):
    monkeypatch.setattr(datasets, "FASHION_FOLDER", here / "nowhere")
    work = write(
        here,
        "w.yaml",
        "schema: pcsim/workload/1\nname: w\nextends: fashion\ndata:\n  dataset: fashion\n",
    )
    assert places(refused("tile64", work)) == [("w.yaml", 5, "data.dataset")]
    chip = write(here, "c.yaml", CHIP.format(base="tile64") + "clock: fast\n")
    assert [place[:2] for place in places(refused(chip, work))] == [("c.yaml", 4), ("w.yaml", 5)]


# --- Hints ---


def test_an_unknown_key_is_looked_up_in_the_whole_file(here):
    text = "tiles: {compute: {adc_bits: 8}}\n"
    error = refused(write(here, "c.yaml", CHIP.format(base="crossbar64") + text), "digits")
    assert str(error).endswith("did you mean 'tiles.compute.analog.adc_bits'?")
    assert str(refused("tile64", "digits", "adc_bits=8")).endswith(
        "did you mean 'tiles.compute.analog.adc_bits'?"
    )
    assert path_meant(Workload, ("pc", "target_accuracy")) == (
        "did you mean 'training.target_accuracy'?"
    )
    assert path_meant(Workload, ("data", "qqqq")) == ""


def test_every_path_of_a_file_is_known_and_of_every_kind_of_unit():
    known = paths_of(Hardware)
    assert len(set(known)) == len(known)
    assert {"tiles.compute.tree", "tiles.compute.cores", "tiles.compute.resident_folds"} <= set(
        known
    )
    assert "dram.refresh.interval" in known


# --- Sweep files ---


def swept(here, text):
    path = here / "s.yaml"
    path.write_text(f"schema: pcsim/sweep/1\nname: m\n{text}")
    with pytest.raises(InputError) as caught:
        points_of(read_plan(path)[1])
    return [
        (problem.line, problem.column, problem.message.partition(" ")[0])
        for problem in caught.value.problems
        if problem.file == str(path)
    ]


FILES = "hardware: tile64\nworkload: digits\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hardware: nosuch\nworkload: none\naxes:\n  - pc.steps: [1, 2]\n",
         [(3, 11, "hardware"), (4, 11, "workload")]),
        (FILES + "set: {tiles.compute.rows: -1, hardware.name: '?'}\naxes:\n  - pc.steps: [1, 0]\n",
         [(5, 27, "tiles.compute.rows"), (5, 46, "name"), (7, 19, "pc.steps")]),
        (FILES + "rule: ga\nset: {nothing: 1, tiles.mesh: 3}\naxes:\n  - pc.steps: [0]\n",
         [(5, 7, "rule"), (6, 7, "a"), (6, 31, "tiles.mesh"), (8, 16, "pc.steps")]),
        (FILES + "set: {tiles.formats.weight: fp8_e4m3}\naxes:\n  - pc.steps: [1]\n",
         [(5, 29, "technology")]),
        (FILES + "set: {tiles.compute.rowz: 3}\naxes:\n  - data.dataset: [digits, nosuch]\n",
         [(5, 27, "tiles.compute.rowz"), (7, 28, "data.dataset")]),
        (FILES + "axes:\n  - pc.steps: [1, 2]\n  - tiles.mesh: [[1, 1]]\n    when: {pc.steps: 7}\n",
         [(8, 12, "the")]),
    ],
)  # fmt: skip
def test_every_complaint_about_a_value_of_a_sweep_file_has_its_place(here, text, found):
    assert sorted(swept(here, text)) == found


def test_a_long_value_of_a_sweep_file_keeps_its_place(here):
    layers = "[" + ", ".join(["64"] * 60) + "]"
    text = FILES + f"set: {{network.layers: {layers}}}\naxes:\n  - pc.steps: [1, 2]\n"
    assert [place[0] for place in swept(here, text)] == [5]


def test_a_chip_that_cannot_be_priced_and_does_not_hold_the_network_is_told_both(here):
    text = "tiles: {mesh: [1, 1], sram: {size: 32 KiB}, formats: {weight: fp8_e4m3}}\n"
    chip = write(here, "c.yaml", CHIP.format(base="tile64") + text)
    work = write(here, "w.yaml", WORK)
    done = pcsim("check", chip, work)
    assert done.exit_code == 2
    told = re.findall(r"^(?:pcsim: )?(\S+?:\d+):\d+: (\S+)", done.stderr, re.M)
    assert [word for _, word in told] == ["technology", "network.layers", "network.layers"]
    assert told[0][0] == "c.yaml:4"
