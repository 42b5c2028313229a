"""Files become the chips and workloads that they describe, and can be written down again."""

import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pcsim.config import (
    DATASETS,
    Analog,
    Backpropagation,
    ComputeUnit,
    CostOverride,
    Crossbar,
    DataSettings,
    Dma,
    Dram,
    Formats,
    Gate,
    Hardware,
    Mark,
    NetworkSettings,
    Noc,
    OptimiserSettings,
    Power,
    PredictiveCoding,
    Refresh,
    Rows,
    Serial,
    Simd,
    Sram,
    Systolic,
    Tiles,
    TrainingSettings,
    Update,
    Value,
    Vector,
    Workload,
    assign_overrides,
    candidates,
    dump_yaml,
    load_any,
    load_both,
    load_hardware,
    load_workload,
    mark_of,
    problem_at,
    shipped,
    to_plain,
)
from pcsim.config.compute.kinds import SHIPPED
from pcsim.config.marks import plain
from pcsim.config.numerics import Numerics
from pcsim.config.section import Section, fields_by_key
from pcsim.config.tables import dram_kinds, technologies
from pcsim.config.yaml_marks import read_yaml

CHECKOUT = Path(__file__).parents[2]


def as_yaml(text: str) -> object:
    """The plain value of a text without mistakes."""
    node, problems = read_yaml(text, file="x.yaml")
    assert node is not None
    assert not problems
    return plain(node)


# --- YAML ---


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1e-12", 1e-12),
        ("-2.5E+3", -2500.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("no", "no"),
        ("True", "True"),
        ("0777", "0777"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("9" * 50, "9" * 50),
        ("'12'", "12"),
        ('"true"', "true"),
        ("64 KiB", "64 KiB"),
    ],
)
def test_a_word_has_the_type_that_its_reader_expects(text, value):
    read = as_yaml(f"key: {text}")["key"]
    assert read == value
    assert type(read) is type(value)


def test_an_empty_value_is_null():
    assert as_yaml("a:\nb: ~") == {"a": None, "b": None}


def test_aliases_stand_for_what_they_name():
    assert as_yaml("a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}


def test_every_value_and_key_knows_its_place():
    node, _ = read_yaml("a:\n  bc: [10, 20]\n", file="x.yaml")
    inner = node.value["a"].value["bc"]
    assert inner.key_mark == Mark("x.yaml", 2, 3, "  bc: [10, 20]")
    assert inner.mark == Mark("x.yaml", 2, 7, "  bc: [10, 20]")
    assert inner.value[1].mark == Mark("x.yaml", 2, 12, "  bc: [10, 20]")


# --- Shipped files ---


def test_every_shipped_file_loads_and_is_named_like_its_file():
    for kind in ("hardware", "workload"):
        files = shipped(kind)
        assert files
        for name in files:
            assert load_any(name).name == name


def test_no_name_is_shipped_twice():
    assert not shipped("hardware").keys() & shipped("workload").keys()


def test_tile64_is_read_in_si_units_and_cycles():
    chip = load_hardware("tile64")
    assert chip.clock_hz == 500_000_000
    assert chip.tiles.mesh == (8, 8)
    assert chip.tiles.vector == Vector(lanes=16, latency_cycles=4)
    assert chip.tiles.sram.size_bytes % 1024 == 0
    assert chip.tiles.sram.port_bytes_per_cycle == 32
    assert chip.tiles.sram.priced_as_bytes is None
    assert chip.tiles.dma.setup_cycles == 20
    assert {str(chip.tiles.formats.of(value)) for value in Value} == {"fp32"}
    assert chip.noc.hop_length_m == 2e-3
    assert chip.dram == Dram(
        kind="lpddr4",
        channels=2,
        capacity_bytes=2**30,
        bandwidth_bytes_per_s=12_800_000_000,
        latency_s=80e-9,
    )
    assert chip.costs == {}


def test_ideal_is_tile64_without_limits_priced_like_tile64():
    ideal, tile64 = load_hardware("ideal"), load_hardware("tile64")
    assert ideal.tiles.vector == Vector(lanes=None, latency_cycles=0)
    assert ideal.tiles.update == Update(lanes=None, latency_cycles=0)
    assert ideal.tiles.sram.size_bytes is None
    assert ideal.tiles.sram.port_bytes_per_cycle is None
    assert ideal.tiles.sram.priced_as_bytes == tile64.tiles.sram.size_bytes
    assert ideal.tiles.dma.setup_cycles == 0
    assert ideal.noc.link_bytes_per_cycle is None
    assert ideal.noc.router_latency_cycles == ideal.noc.link_latency_cycles == 0
    assert ideal.dram.bandwidth_bytes_per_s is None
    assert ideal.dram.latency_s == 0
    assert ideal.tiles.compute == tile64.tiles.compute
    assert ideal.tiles.formats == tile64.tiles.formats
    assert ideal.clock_hz == tile64.clock_hz


def test_mlp128_is_the_network_that_the_comparison_is_about():
    work = load_workload("mlp128")
    assert work.network.layers == (784, 128, 128, 128, 10)
    assert work.data == DataSettings(
        dataset="mnist5k", train=3500, validation=500, test=1000, normalise=True
    )
    assert work.pc.optimiser == work.bp.optimiser == OptimiserSettings(kind="adam", rate=2e-3)
    assert work.pc.wavefront
    assert work.pc.hoist


def test_digits_use_every_image_there_is():
    data = load_workload("digits").data
    assert data.train + data.validation + data.test == DATASETS["digits"].images


def keys_below(model: type[Section], above: str = ""):
    for key, field in fields_by_key(model).items():
        annotation = model.model_fields[field].annotation
        if annotation is ComputeUnit:
            for kind in SHIPPED:
                yield from keys_below(kind, f"{above}{key}.")
            continue
        annotation = (get_args(annotation) or (annotation,))[0]  # A section that may be left out.
        if isinstance(annotation, type) and issubclass(annotation, Section):
            yield from keys_below(annotation, f"{above}{key}.")
        else:
            yield f"{above}{key}"


@pytest.mark.parametrize(("folder", "model"), [("hw_configs", Hardware), ("workloads", Workload)])
def test_the_readme_beside_the_files_explains_every_key(folder, model):
    explained = set()
    for row in re.findall(r"^\| (`.*?) \|", (CHECKOUT / folder / "README.md").read_text(), re.M):
        first, *others = re.findall(r"`([^`]+)`", row)
        parent = first.rpartition(".")[0]
        explained |= {first} | {f"{parent}{o}" if o[0] == "." else o for o in others}
    assert set(keys_below(model)) <= explained
    assert explained - set(keys_below(model)) - {"extends"} == {
        f"{name}.yaml" for name in shipped("hardware" if model is Hardware else "workload")
    }


# --- Files of one's own ---


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_that_extends_another_changes_only_what_it_says(tmp_path):
    text = "schema: pcsim/hardware/1\nname: mine\nextends: tile64\ntiles: {vector: {lanes: 64}}"
    mine, base = load_hardware(write(tmp_path, "mine.yaml", text)), load_hardware("tile64")
    vector = base.tiles.vector.model_copy(update={"lanes": 64})
    tiles = base.tiles.model_copy(update={"vector": vector})
    assert mine == base.model_copy(update={"name": "mine", "tiles": tiles})


def test_a_cost_is_replaced_together_with_its_source(tmp_path):
    base = "schema: pcsim/hardware/1\nname: base\nextends: tile64\ncosts:\n"
    base += "  array.mac: {energy: 4 pJ, low: 3 pJ, source: old}\n"
    base += "  dma.byte: {energy: 1 pJ, source: old}"
    write(tmp_path, "base.yaml", base)
    top = "schema: pcsim/hardware/1\nname: top\nextends: base\ncosts:\n"
    top += "  array.mac: {energy: 5 pJ, source: new}"
    assert load_hardware(write(tmp_path, "top.yaml", top)).costs == {
        "array.mac": CostOverride(energy_j=5e-12, source="new"),
        "dma.byte": CostOverride(energy_j=1e-12, source="old"),
    }


def test_a_list_is_replaced_as_a_whole(tmp_path):
    text = "schema: pcsim/workload/1\nname: mine\nextends: mlp128\nnetwork: {layers: [784, 32, 10]}"
    layers = load_workload(write(tmp_path, "mine.yaml", text)).network.layers
    assert layers == (784, 32, 10)


def test_a_file_beside_comes_before_a_shipped_one_and_never_means_itself(tmp_path):
    head = "schema: pcsim/hardware/1\n"
    write(tmp_path, "tile64.yaml", f"{head}name: own\nextends: tile64\nclock: 1 GHz")
    path = write(tmp_path, "mine.yaml", f"{head}name: mine\nextends: tile64")
    assert load_hardware(path).clock_hz == 1_000_000_000
    assert load_hardware("tile64").clock_hz == 500_000_000


def test_values_keep_their_places_through_extends_and_set(tmp_path):
    text = "schema: pcsim/hardware/1\nname: mine\nextends: tile64\ntiles: {vector: {lanes: 64}}"
    path = write(tmp_path, "mine.yaml", text)
    mine = load_hardware(str(path), overrides=["noc.hop_length=1 mm"])
    base = shipped("hardware")["tile64"]
    assert mark_of(mine, "tiles.vector.lanes") == Mark(
        str(path), 4, 25, "tiles: {vector: {lanes: 64}}"
    )
    clock = mark_of(mine, "clock")
    assert clock.file == str(base)
    assert clock.source_line == base.read_text().splitlines()[clock.line - 1]
    assert clock.source_line[clock.column - 1 :].startswith("500 MHz")
    assert mark_of(mine, "noc.hop_length") == Mark("--set noc.hop_length=1 mm")
    assert mark_of(mine, "tiles.mesh[1]").file == str(base)
    assert mark_of(mine, "tiles.sram.priced_as") is None


def test_files_are_found_inside_an_installed_package_before_beside_it(tmp_path, monkeypatch):
    module = tmp_path / "pcsim" / "shipped.py"
    monkeypatch.setattr("pcsim.shipped.__file__", str(module))
    beside, inside = tmp_path / "hw_configs", tmp_path / "pcsim" / "hw_configs"
    beside.mkdir()
    (beside / "a.yaml").touch()
    assert shipped("hardware") == {"a": beside / "a.yaml"}
    inside.mkdir(parents=True)
    (inside / "b.yaml").touch()
    assert shipped("hardware") == {"b": inside / "b.yaml"}


# --- Single values ---


@pytest.mark.parametrize(
    ("override", "read", "value"),
    [
        ("tiles.vector.lanes=64", lambda chip: chip.tiles.vector.lanes, 64),
        ("tiles.vector.lanes=unlimited", lambda chip: chip.tiles.vector.lanes, None),
        ("tiles.mesh=[4, 16]", lambda chip: chip.tiles.mesh, (4, 16)),
        ("tiles.mesh.1=16", lambda chip: chip.tiles.mesh, (8, 16)),
        ("tiles.mesh[0] = 2", lambda chip: chip.tiles.mesh, (2, 8)),
        ("clock=1 GHz", lambda chip: chip.clock_hz, 10**9),
        (
            "tiles.sram={size: 64 KiB, banks: 1, port: 8 B/cycle, cell: hp}",
            lambda chip: chip.tiles.sram,
            Sram(size_bytes=65536, banks=1, port_bytes_per_cycle=8, cell="hp"),
        ),
        (
            "costs.array.mac={energy: 3 pJ, source: ours}",
            lambda chip: chip.costs,
            {"array.mac": CostOverride(energy_j=3e-12, source="ours")},
        ),
    ],
)
def test_a_single_value_can_be_set(override, read, value):
    assert read(load_hardware("tile64", overrides=[override])) == value


def test_later_settings_build_on_earlier_ones():
    settings_ = [
        "costs.array.mac={energy: 3 pJ, source: ours}",
        "costs.array.mac.energy=4 pJ",
        "costs.array.mac.low=1 pJ",
    ]
    costs = load_hardware("tile64", overrides=settings_).costs
    assert costs == {"array.mac": CostOverride(energy_j=4e-12, low=1e-12, source="ours")}


def test_settings_go_to_the_file_that_has_their_first_key():
    settings_ = [
        "pc.steps=5",
        "tiles.mesh[0]=4",
        "hardware.name=a",
        "workload.name=b",
        "clock=1 GHz",
    ]
    assert assign_overrides(settings_) == (
        ("tiles.mesh[0]=4", "name=a", "clock=1 GHz"),
        ("pc.steps=5", "name=b"),
    )
    chip, work = load_both("tile64", "digits", overrides=settings_)
    assert (chip.name, chip.tiles.mesh, work.name, work.pc.steps) == ("a", (4, 8), "b", 5)


def test_what_a_file_may_leave_out_has_the_documented_value():
    left_out = {"training": {"evaluate_every"}, "pc": {"wavefront", "hoist"}}
    values = to_plain(load_workload("digits"))
    for section, keys in left_out.items():
        values[section] = {k: v for k, v in values[section].items() if k not in keys}
    work = Workload.model_validate(values)
    assert work.training.evaluate_every == 10
    assert work.pc.wavefront
    assert work.pc.hoist


# --- Values ---


def test_equality_and_hash_do_not_depend_on_where_values_stood(tmp_path):
    chip = load_hardware("tile64")
    path = tmp_path / "copy.yaml"
    path.write_text(f"# moved down\n\n{dump_yaml(chip)}", encoding="utf-8")
    copy = load_hardware(path)
    assert mark_of(copy, "clock") != mark_of(chip, "clock")
    assert copy == chip
    assert hash(copy) == hash(chip)
    assert copy.model_dump() == chip.model_dump()
    assert chip != load_hardware("ideal")
    assert chip != load_workload("digits")


def test_a_chip_survives_being_sent_to_another_process():
    chip = load_hardware("tile64", overrides=["costs.array.mac={energy: 3 pJ, source: ours}"])
    assert pickle.loads(pickle.dumps(chip)) == chip


def test_values_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        load_hardware("tile64").tiles.vector.lanes = 3


def test_a_problem_can_point_at_a_value_of_a_loaded_file_and_at_none_of_one_made_by_hand():
    chip = load_hardware("tile64")
    problem = problem_at(chip, "technology", "technology must be known", hint="look")
    assert (problem.message, problem.hint) == ("technology must be known", "look")
    assert problem.source_line[problem.column - 1 :].startswith(chip.technology)
    by_hand = Hardware.model_validate(to_plain(chip))
    assert str(problem_at(by_hand, "technology", "wrong")) == "wrong"


def test_from_python_fields_take_bare_numbers_and_keys_take_texts():
    by_name = Dram(
        kind="lpddr4", channels=1, capacity_bytes=2**30, bandwidth_bytes_per_s=None, latency_s=1e-7
    )
    by_key = {"kind": "lpddr4", "channels": 1, "capacity": "1 GiB"}
    by_key |= {"bandwidth": "unlimited", "latency": "100 ns"}
    assert Dram.model_validate(by_key) == by_name


def test_config_loads_without_numpy_and_numba():
    code = (
        "import sys; from pcsim.config import load_both; load_both('tile64', 'mlp128');"
        "sys.exit(bool({'numpy', 'numba'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=False).returncode == 0


# --- Candidates ---


def test_both_rules_are_candidates_on_the_formats_of_the_chip():
    settings_ = ["tiles.formats={weight: fp64, state: fp64, error: fp64, accumulate: fp64, "]
    settings_[0] += "optimiser: fp64}"
    chip, work = load_both("tile64", "mlp128", overrides=settings_)
    pc, bp = candidates(chip, work)
    assert (pc.id, pc.rule, pc.order, pc.schedule) == ("pc-jacobi", "pc", "jacobi", "free")
    assert (pc.steps, pc.rate, pc.wavefront, pc.hoist) == (3, 0.25, True, True)
    assert (bp.id, bp.rule, bp.order, bp.schedule) == ("bp-sequential", "bp", None, "sequential")
    assert (bp.steps, bp.rate, bp.wavefront, bp.hoist) == (0, None, False, False)
    assert pc.numerics == bp.numerics == Numerics(chip.tiles.formats)
    assert {str(pc.numerics.formats.of(value)) for value in Value} == {"fp64"}
    assert pc.optimiser == work.pc.optimiser
    assert bp.optimiser == work.bp.optimiser


def test_one_rule_can_be_asked_for():
    chip, work = load_both("tile64", "mlp128")
    assert [candidate.rule for candidate in candidates(chip, work, rule="pc")] == ["pc"]
    assert [candidate.rule for candidate in candidates(chip, work, rule="bp")] == ["bp"]


# --- Writing down ---

names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True)
tricky_names = st.sampled_from(["on", "null", "true", "1e-3", "12", "0x10", "1.5", "2024-01-01"])
sentences = st.text(min_size=1, max_size=80).filter(
    lambda text: text.strip() and text.isprintable()
) | st.sampled_from(["1e3", "null", "a: b # c", "- x", "'", "true", " x "])
cycles = st.integers(0, 1_000_000)


def limited(minimum: int, maximum: int):
    return st.none() | st.integers(minimum, maximum)


def built(model: type[Section], **fields):
    return st.fixed_dictionaries(fields).map(lambda values: model(**values))


@st.composite
def costs(draw):
    field, top = draw(st.sampled_from([("energy_j", 1.0), ("power_w", 1000.0), ("area_m2", 1.0)]))
    low, value, high = sorted(draw(st.tuples(*[st.floats(0, top)] * 3)))
    low, high = draw(st.just(low) | st.none()), draw(st.just(high) | st.none())
    return CostOverride(**{field: value}, source=draw(sentences), low=low, high=high)


@st.composite
def srams(draw):
    size = draw(limited(1, 2**40))
    return Sram(
        size_bytes=size,
        banks=draw(st.integers(1, 1024)),
        port_bytes_per_cycle=draw(limited(1, 2**20)),
        cell=draw(st.sampled_from(["lstp", "lop", "hp"])),
        priced_as_bytes=draw(st.integers(1, 2**40)) if size is None else None,
        access_bytes=draw(st.integers(4, 16) | st.none()),
        banking=draw(st.sampled_from(["skewed", "interleaved"])),
    )


lanes = limited(1, 65_536)
sides = st.integers(1, 256)
formats = st.sampled_from(["fp32", "fp64"]).map(
    lambda word: Formats(weight=word, state=word, error=word, accumulate=word, optimiser=word)
)
counts = st.integers(1, 4096)


@st.composite
def compute_units(draw):
    transposed = draw(
        st.sampled_from(
            [
                {"transposable": True},
                {"transposable": False, "transpose": "copy"},
                {"transposable": False, "transpose": "walk"},
            ]
        )
    )
    kind = draw(st.sampled_from([Systolic, Simd, Serial]))
    if kind is Simd:
        return Simd(kind="simd", lanes=draw(counts), tree=draw(counts), **transposed)
    if kind is Serial:
        return Serial(kind="serial", cores=draw(counts), **transposed)
    dataflow = draw(st.sampled_from(["os", "ws", "is"]))
    return Systolic(
        kind="systolic",
        rows=draw(counts),
        cols=draw(counts),
        dataflow=dataflow,
        drain=draw(st.sampled_from(["overlapped", "serial"])) if dataflow == "os" else None,
        edges=draw(st.sampled_from(["full", "trimmed"])),
        resident_folds=draw(st.integers(0, 65_536)) if dataflow == "ws" else 0,
        **transposed,
    )


@st.composite
def crossbars(draw):
    chance = st.floats(0, 1, exclude_max=True)
    return Crossbar(
        kind="crossbar",
        arrays=draw(counts),
        rows=draw(counts),
        cols=draw(st.integers(64, 4096)),
        cell_bits=draw(st.integers(1, 16)),
        dac_bits=draw(st.integers(1, 16)),
        read_s=draw(st.floats(0, 1)),
        adc_share=draw(counts),
        adc_rate_hz=draw(st.integers(1000, 10**11)),
        update=draw(st.sampled_from(["row_serial", "parallel"])),
        write_s=draw(st.floats(0, 1)),
        endurance=draw(st.integers(1, 10**18)),
        gradient_lanes=draw(counts),
        transposable=draw(st.booleans()),
        analog=Analog(
            read_noise=draw(chance),
            write_noise=draw(chance),
            mismatch=draw(chance),
            adc_bits=draw(st.integers(2, 24)),
        ),
    )


narrow = st.sampled_from(["q4.12", "int8", "int8_pow2"])
narrow_formats = narrow.map(
    lambda word: Formats(
        weight=word, state=word, error=word, accumulate="fp32", optimiser="fp32", master="fp32"
    )
)
sections_and_formats = st.one_of(
    st.tuples(compute_units(), formats), st.tuples(crossbars(), narrow_formats)
)
gates = st.none() | built(
    Gate,
    gate=st.sampled_from(["none", "idle"]),
    after_cycles=cycles,
    wake_cycles=cycles,
    retention=st.floats(0, 1, exclude_max=True),
)

chips = built(
    Hardware,
    name=names | tricky_names,
    clock_hz=st.integers(1000, 10**11),
    technology=st.sampled_from(technologies()),
    tiles=sections_and_formats.flatmap(
        lambda both: built(
            Tiles,
            mesh=st.tuples(sides, sides),
            compute=st.just(both[0]),
            vector=built(Vector, lanes=lanes, latency_cycles=cycles),
            update=built(Update, lanes=lanes, latency_cycles=cycles),
            sram=srams(),
            dma=built(Dma, setup_cycles=cycles),
            formats=st.just(both[1]),
            placement=st.sampled_from(["snake", "search"]),
            power=st.none() | built(Power, compute=gates, update=gates),
        )
    ),
    noc=built(
        Noc,
        topology=st.sampled_from(["mesh", "torus", "ring", "bus", "h-tree", "neighbour"]),
        link_bytes_per_cycle=limited(1, 2**20),
        router_latency_cycles=cycles,
        link_latency_cycles=cycles,
        hop_length_m=st.floats(0, 1),
    ),
    dram=built(
        Dram,
        kind=st.sampled_from(dram_kinds()),
        channels=st.integers(1, 1024),
        capacity_bytes=st.integers(1, 2**50),
        bandwidth_bytes_per_s=limited(1, 10**15),
        latency_s=st.floats(0, 1),
        burst_bytes=st.none() | st.integers(1, 2**16),
        rows=st.none()
        | built(
            Rows,
            size_bytes=st.integers(64, 2**20),
            banks=st.integers(1, 1024),
            miss_s=st.floats(0, 1),
        ),
        refresh=st.none()
        | built(
            Refresh, time_s=st.floats(0, 1e-9, exclude_max=True), interval_s=st.floats(1e-9, 1)
        ),
    ),
    costs=st.dictionaries(st.sampled_from(["array.mac", "leakage.sram", "on"]), costs()),
)

rates = st.floats(0, 1000, exclude_min=True)
optimisers = built(OptimiserSettings, kind=st.sampled_from(["sgd", "adam"]), rate=rates)


@st.composite
def works(draw):
    dataset = draw(st.sampled_from(sorted(DATASETS)))
    shape = DATASETS[dataset]
    train = draw(st.integers(1, shape.images - 2))
    validation = draw(st.integers(1, shape.images - train - 1))
    test = draw(st.integers(1, shape.test_images or shape.images - train - validation))
    hidden = draw(st.lists(st.integers(1, 65_536), max_size=5))
    return Workload(
        name=draw(names | tricky_names),
        network=NetworkSettings(
            layers=(shape.width, *hidden, shape.classes),
            activation=draw(st.sampled_from(["linear", "tanh", "relu"])),
            parameterisation="sp",
        ),
        data=DataSettings(
            dataset=dataset,
            train=train,
            validation=validation,
            test=test,
            normalise=draw(st.booleans()),
        ),
        training=TrainingSettings(
            batch=draw(st.integers(1, train)),
            epochs=draw(st.integers(1, 100_000)),
            loss=draw(st.sampled_from(["mse", "cross_entropy"])),
            seeds=draw(st.integers(1, 1000)),
            target_accuracy=draw(st.floats(0, 1, exclude_min=True)),
            evaluate_every=draw(st.integers(1, 1_000_000)),
        ),
        pc=PredictiveCoding(
            steps=draw(st.integers(1, 100_000)),
            rate=draw(rates),
            order="jacobi",
            wavefront=draw(st.booleans()),
            hoist=draw(st.booleans()),
            optimiser=draw(optimisers),
        ),
        bp=Backpropagation(schedule="sequential", optimiser=draw(optimisers)),
    )


@settings(deadline=None)
@given(file=chips | works())
def test_what_is_written_down_loads_again_as_the_same(tmp_path_factory, file):
    path = tmp_path_factory.getbasetemp() / "resolved.yaml"
    text = dump_yaml(file)
    path.write_text(text, encoding="utf-8")
    again = load_any(path)
    assert again == file
    assert dump_yaml(again) == text


@given(file=chips | works())
def test_plain_data_validates_as_the_same(file):
    assert type(file).model_validate(to_plain(file)) == file


@pytest.mark.parametrize("name", sorted(shipped("hardware")))
def test_ordinary_yaml_readers_understand_what_is_written_down(name):
    chip = load_hardware(name)
    assert yaml.safe_load(dump_yaml(chip)) == to_plain(chip)
