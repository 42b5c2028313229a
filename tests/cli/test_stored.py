"""The verbs about stored runs, explain and report, on a run made by hand."""

import csv
import json
import re
import shutil

import pytest
from rich.console import Console

from pcsim.config import dump_yaml
from pcsim.report import FirstScreen, screen, write_folder
from pcsim.report.explain.catalogue import terms
from pcsim.report.stored import load_run
from pcsim.technology import price_list
from pcsim.verdict import summary
from tests.helpers.door import pcsim
from tests.helpers.verdict_values import FAST, NEVER, SLOW, hardware, verdict, workload

CONFIG = f"{dump_yaml(hardware())}---\n{dump_yaml(workload())}"


def write(folder, *curves, config=CONFIG, **rules):
    return write_folder(
        verdict(*curves, **rules), folder, config_text=config, provenance={"command": []}
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return write(tmp_path_factory.mktemp("runs") / "run")


def told(run, term):
    done = pcsim("explain", run, term)
    assert done.exit_code == 0, done.stdout
    return done.stdout


# --- explain: energy ---


def test_energy_is_told_by_component_with_shares_that_make_the_whole(run):
    assert told(run, "energy") == (
        "energy of one update: energy = count x unit cost, summed over lines of energy.csv\n"
        "                           PC    share      BP    share\n"
        "  energy.array            3 J   66.7 %     2 J   66.7 %\n"
        "  energy.sram          500 mJ   11.1 %  250 mJ    8.3 %\n"
        "  energy.leakage       750 mJ   16.7 %  500 mJ   16.7 %\n"
        "  energy.dram_standby  250 mJ    5.6 %  250 mJ    8.3 %\n"
        "  sum                   4.5 J  100.0 %     3 J  100.0 %\n"
    )


def test_a_component_is_told_by_action(run):
    assert told(run, "energy.sram") == (
        "energy of one update in SRAM: energy = count x unit cost, summed over lines of energy.csv\n"
        "                             PC   share      BP  share\n"
        "  energy.sram.read_byte  500 mJ  11.1 %  250 mJ  8.3 %\n"
    )


def test_an_action_is_told_line_by_line_with_count_times_unit_cost(run):
    lines = told(run, "energy.array.mac").splitlines()
    assert lines[:10] == [
        "energy of one update in array.mac: count x unit cost = energy",
        "",
        "PC: 3 J, 66.7 % of its energy",
        "    layer  stage    count  unit cost  energy",
        "    1      forward  1,024   1.953 mJ     2 J",
        "    2      forward  1,024   976.6 µJ     1 J",
        "",
        "BP: 2 J, 66.7 % of its energy",
        "    layer  stage    count  unit cost  energy",
        "    1      forward  1,024   1.465 mJ   1.5 J",
    ]
    assert lines[12].startswith("array.mac: 4.6 pJ per mac, between 4.6 pJ and 17.3 pJ, derived")


def test_leakage_is_power_for_as_long_as_the_update_takes(run):
    text = told(run, "energy.leakage.array")
    assert "    all    static  1,024   732.4 µJ  750 mJ\n" in text
    assert "\nleakage.array: " in text
    assert told(run, "static_energy").splitlines()[-1].split() == [
        "sum", "1", "J", "22.2", "%", "750", "mJ", "25.0", "%",
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["sram.read_byte", "update.adam", "leakage.sram", "dram.read_byte"])
def test_a_price_is_told_with_range_status_trail_and_sources(run, key):
    prices = price_list(hardware())
    costs = [*prices.prices.values(), *prices.leaks]
    (cost,) = (cost for cost in costs if cost.key == key)
    text = " ".join(told(run, key).split())
    for part in (cost.status, cost.source, cost.note):
        assert " ".join(part.split()) in text


def test_a_price_that_the_run_does_not_use_says_so(run):
    assert told(run, "update.adam").endswith("\n  this run does not use it\n")


def test_a_price_that_is_another_today_says_so(run):
    assert "  this run used 244.1 µJ, 488.3 µJ: the table has changed since\n" in told(
        run, "sram.read_byte"
    )


def test_a_price_that_the_hardware_file_gives_is_told_as_the_users(tmp_path):
    chip = hardware().model_dump(mode="json", by_alias=True)
    chip["costs"] = {"sram.read_byte": {"energy": "1 pJ", "high": "3 pJ", "source": "our lab"}}
    from pcsim.config import Hardware

    config = dump_yaml(Hardware.model_validate(chip))
    text = told(write(tmp_path / "run", config=config), "sram.read_byte")
    assert text.startswith(
        "sram.read_byte: 1 pJ per byte, between 1 pJ and 3 pJ, user\n"
        "  trail: given in the hardware file\n"
        "  source: our lab\n"
    )


@pytest.mark.parametrize("config", ["", "name: tiny-chip\n", "{", "schema: [1, 2"])
def test_without_the_chip_the_sources_short_name_is_told(tmp_path, config):
    run = write(tmp_path / "run", config=config)
    assert told(run, "sram.read_byte") == (
        "sram.read_byte: 244.1 µJ, 488.3 µJ (read, PAPER)\n"
        "  source in full: not known, because config.resolved.yaml does not say which chip it was\n"
        "\n"
        "in one update:\n"
        "                      PC   share      BP  share\n"
        "  sram.read_byte  500 mJ  11.1 %  250 mJ  8.3 %\n"
    )


# --- explain: everything else ---


TOLD = {
    "latency": "latency of one update = cycles / clock\n"
    "  PC  1,000 / 500 MHz = 2 µs\n"
    "  BP  800 / 500 MHz = 1.6 µs\n",
    "cycles_cold": "cycles_cold: one update from an empty chip; weights and the first batch come "
    "from DRAM\n"
    "  PC  1,100 cycles, 100 more than warm\n"
    "  BP  900 cycles, 100 more than warm\n",
    "utilization": "utilization = macs / (what all compute units make in a cycle while fully busy x cycles)\n"
    "  PC  2,048 / (4 tiles x 256 MACs a cycle) / 1,000 cycles = 0.2 %; 3 tiles have work\n"
    "  BP  1,024 / (4 tiles x 256 MACs a cycle) / 800 cycles = 0.125 %; 3 tiles have work\n",
    "energy_per_mac": "energy_per_mac = energy of one update / macs\n"
    "  PC  4.5 J / 2,048 = 2.197 mJ\n"
    "  BP  3 J / 1,024 = 2.93 mJ\n",
    "edp": "edp, the energy-delay product of one update = energy x latency\n"
    "  PC  4.5 J x 2 µs = 9 µJ·s\n"
    "  BP  3 J x 1.6 µs = 4.8 µJ·s\n",
    "accuracy": "accuracy on the test images, read once, after training; mean over the seeds 0, 1\n"
    "  PC  (95 % + 95 %) / 2 = 95 %\n"
    "  BP  (95 % + 95 %) / 2 = 95 %\n",
    "credit_depth": "credit_depth: layers whose weight gradient is above the noise of rounding, on one "
    "batch after training\n"
    "  PC  2 of 2\n"
    "  BP  2 of 2\n",
    "inference_steps": "inference_steps: steps that training executed per batch; backpropagation "
    "has none\n"
    "  PC  3\n"
    "  BP  0\n",
    "peak_sram": "peak_sram: most bytes that one tile keeps at a time\n"
    "  PC  3.906 KiB of 128 KiB\n"
    "  BP  3.906 KiB of 128 KiB\n",
    "bytes.noc": "bytes.noc: delivered from tile to tile in one update, each copy of a multicast "
    "counted\n"
    "  PC  768 B\n"
    "  BP  768 B\n",
    "to_target": "to_target: mean over 10 validation accuracies up to the target of the "
    "updates after which the curve,\n"
    "  averaged over a window that grows with the updates, crosses them by "
    "linear interpolation; the\n"
    "  target is 90 %; energy = updates x energy of one update, time = "
    "updates x latency; means over the\n"
    "  seeds, none unless every seed got there\n"
    "\n"
    "PC, at 4.5 J an update:\n"
    "  seed  updates  samples      time   energy\n"
    "  0       24.37    1,560  48.75 µs  109.7 J\n"
    "  1       48.75    3,120   97.5 µs  219.4 J\n"
    "  mean    36.56    2,340  73.12 µs  164.5 J\n"
    "\n"
    "BP, at 3 J an update:\n"
    "  seed  updates  samples   time   energy\n"
    "  0       48.75    3,120  78 µs  146.2 J\n"
    "  1       48.75    3,120  78 µs  146.2 J\n"
    "  mean    48.75    3,120  78 µs  146.2 J\n",
    "ratios.energy": "ratio of energy of one update, PC over BP\n"
    "  4.5 J / 3 J = 1.50\n"
    "  1.25 to 2.00 over the ranges of the assumed costs, the same in both\n",
    "ratios.latency": "ratio of latency of one update, PC over BP\n  2 µs / 1.6 µs = 1.25\n",
    "ratios.utilization": "ratio of utilization of one update, PC over BP\n"
    "  0.2 % / 0.125 % = 1.60\n",
    "ratios.macs": "ratio of macs of one update, PC over BP\n  2,048 / 1,024 = 2.00\n",
    "area": "area of the chip = sum of count x area per block, DRAM apart\n"
    "  block     area   share\n"
    "  array  1.5 mm2  75.0 %\n"
    "  dma    0.5 mm2  25.0 %\n"
    "  all      2 mm2   100 %\n",
}


@pytest.mark.parametrize("term", TOLD)
def test_a_derived_number_is_told_with_its_formula_and_the_numbers_in_it(run, term):
    assert told(run, term) == TOLD[term]


def test_a_ratio_on_paired_seeds_is_told_seed_by_seed(run):
    # Seed 0: 2560 / 1280 samples, seed 1: 2560 / 2560; their geometric mean is the root of two.
    lines = told(run, "ratios.sample_advantage").splitlines()
    assert lines[1:3] == ["  seed 0  2.00", "  seed 1  1.00"]
    assert lines[3].startswith("  geometric mean 1.41, 95 % interval ")


def test_cycles_are_told_by_kind_of_unit(run):
    # Two arrays of PC are busy 600 and 200 of 1000 cycles, stalled 300 and 500, finished 100 and 300.
    lines = told(run, "cycles").splitlines()
    assert [line.split() for line in lines[4:7]] == [
        ["units", "number", "busy", "stalled", "finished"],
        ["arrays", "2", "40.0", "%", "40.0", "%", "20.0", "%"],
        ["vector", "units", "1", "10.0", "%", "90.0", "%", "0.0", "%"],
    ]
    assert "  busiest unit: tile[0,0].array, 60 % of the time" in lines


def test_macs_are_told_by_layer(run):
    lines = [line.split() for line in told(run, "macs").splitlines()]
    assert ["all", "2,048"] in lines  # 1,024 of each of two layers, as energy.csv counts them.
    assert ["1", "forward", "1,024"] in lines


def test_inference_is_told_with_its_components(run):
    lines = [line.split() for line in told(run, "inference").splitlines()]
    assert ["energy", "4.5", "J", "3", "J"] in lines
    assert ["energy", "in", "arrays", "3", "J", "2", "J"] in lines


def test_the_area_of_a_block_is_told_with_its_source(run):
    text = told(run, "area.array")
    assert text.startswith("area.array: 1.5 mm2 on the whole chip\n\narea.array: ")
    (area,) = (area for area in price_list(hardware()).areas if area.block == "array")
    assert " ".join(area.source.split()) in " ".join(text.split())


def test_the_area_of_a_block_is_told_from_the_summary_where_the_chip_is_not_known(tmp_path):
    run = write(tmp_path / "run", config="")
    assert told(run, "area.dma") == "area.dma: 0.5 mm2 on the whole chip\n\n  source: judgement\n"


def test_what_was_not_reached_is_told_as_that(tmp_path):
    run = write(tmp_path / "run", (FAST, NEVER), (SLOW, SLOW))
    lines = [line.split() for line in told(run, "to_target").splitlines()]
    assert ["1", "not", "reached"] in lines
    assert ["mean", "not", "reached"] in lines
    assert told(run, "ratios.sample_advantage") == (
        "samples to target, BP over PC; above 1 PC needs fewer\n"
        "  none, because not every seed of both rules reached the target\n"
    )


def test_one_rule_alone_has_no_ratios(tmp_path):
    run = write(tmp_path / "run", rules=("pc",))
    assert told(run, "ratios") == "ratios: none, because only one rule ran\n"
    assert not any(name.startswith("ratios.") for name in terms(load_run(run)))


def test_a_chip_without_limits_has_no_area(tmp_path):
    facts = summary(verdict())
    facts["chip"] |= {"area_mm2": None, "area_by_block_mm2": {}, "area_sources": {}}
    run = write(tmp_path / "run")
    (run / "summary.json").write_text(json.dumps(facts))
    assert told(run, "area") == ("area: not known, because something on this chip is unlimited\n")


@pytest.mark.parametrize(
    ("asked", "term"),
    [
        ("energy_j", "energy"),
        ("per_update.latency_s", "latency"),
        ("edp_js", "edp"),
        ("to_target.energy_j", "to_target"),
        ("ratios.energy_j", "ratios.energy"),
        ("area_mm2", "area"),
        ("peak_sram_bytes", "peak_sram"),
    ],
)
def test_a_key_of_the_summary_is_a_term_too(run, asked, term):
    assert told(run, asked) == told(run, term)


def test_without_a_term_every_one_that_can_be_told_is_listed(run):
    done = pcsim("explain", run)
    assert done.exit_code == 0
    assert set(terms(load_run(run))) <= set(re.findall(r"[\w.]+", done.stdout))


def test_every_listed_term_is_told(run):
    for term in terms(load_run(run)):
        assert told(run, term).strip()


def test_the_summary_itself_names_its_run(run):
    assert told(run / "summary.json", "energy") == told(run, "energy")


@pytest.mark.parametrize(
    ("term", "hint"),
    [
        ("enrgy", "did you mean 'energy'?"),
        ("energy.srm", "did you mean 'energy.sram'?"),
        ("?", "without TERM, pcsim explain lists all there are"),
    ],
)
def test_an_unknown_term_is_refused_with_the_one_that_was_meant(run, term, hint):
    done = pcsim("explain", run, term)
    assert (done.exit_code, done.stderr) == (
        2,
        f"pcsim: TERM must be a number of this report, not {term!r}\n    {hint}\n",
    )


@pytest.mark.parametrize("verb", ["explain", "report"])
@pytest.mark.parametrize("content", [None, "{", "[]", '{"schema": "pcsim/hardware/1"}', "\xff"])
def test_a_folder_that_is_no_report_is_refused(tmp_path, verb, content):
    if content is not None:
        (tmp_path / "summary.json").write_bytes(content.encode("latin-1"))
    done = pcsim(verb, tmp_path)
    assert (done.exit_code, done.stderr) == (
        2,
        f"pcsim: RUN must be the folder of a report, with its summary.json, not {str(tmp_path)!r}\n"
        "    pcsim run writes one, and says where\n",
    )


@pytest.mark.parametrize("name", ["energy.csv", "tiles.csv"])
@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"candidate,layer\npc,x\n"])
def test_a_report_without_its_table_is_refused(run, tmp_path, name, content):
    broken = tmp_path / "run"
    shutil.copytree(run, broken)
    (broken / name).unlink()
    if content:
        (broken / name).write_bytes(content)
    done = pcsim("explain", broken, "cycles")
    lacking = "component" if name == "energy.csv" else "unit"
    said = "must be the table that a run writes"
    if content and b"candidate" in content:
        said = f"must have a column {lacking!r}"
    assert (done.exit_code, done.stderr) == (
        2,
        f"pcsim: {broken / name} {said}\n    run it again: the report is not complete\n",
    )


# --- report ---


def test_report_shows_the_screen_of_a_run_again(run):
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    facts = json.loads((run / "summary.json").read_text())
    for draw, options in ((FirstScreen, ()), (screen, ("--full",))):
        console.print(draw(facts, folder=str(run)))
        assert pcsim("report", run, *options).stdout == console.export_text()
    console.file.close()


def test_report_puts_several_runs_side_by_side(run, tmp_path):
    other = write(tmp_path / "other", rules=("bp",))
    lines = pcsim("report", run, other).stdout.splitlines()
    assert lines[:2] == [
        f"[1] {run}: tiny-chip x tiny-net, 64-16-10, batch 64",
        f"[2] {other}: tiny-chip x tiny-net, 64-16-10, batch 64",
    ]
    cells = {re.split(r"\s{2,}", line.strip())[0]: line.split() for line in lines[3:]}
    assert lines[3].split() == ["[1]", "PC", "[1]", "BP", "[2]", "BP"]
    assert cells["energy per update"][-6:] == ["4.5", "J", "3", "J", "3", "J"]
    assert cells["chip area"][-6:] == ["2", "mm²"] * 3
    with (run / "energy.csv").open() as file:
        assert len({row["candidate"] for row in csv.DictReader(file)}) == 2


def test_report_needs_a_run():
    assert pcsim("report").exit_code == 2
