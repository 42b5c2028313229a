"""Clocks, bandwidths and widths that are no whole numbers: every cycle is the exact share, rounded up."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcsim.config import load_hardware
from pcsim.config.dump import dump_yaml
from pcsim.errors import InputError
from pcsim.machine.lower import lower
from pcsim.machine.units.clock import in_cycles
from pcsim.machine.units.work import sram_cycles
from pcsim.placement import TaskKind, place
from tests.helpers.programs import bp, run

RATES = st.fractions(min_value=1, max_value=10**6, max_denominator=10**4)


def learn():
    return bp((40, 33, 20, 10), 5, optimiser="sgd")


@given(size=st.integers(0, 10**9), port=RATES, banks=st.integers(1, 64))
def test_an_access_takes_its_share_of_the_ports_rounded_up(size, port, banks):
    sram = load_hardware("tile64").tiles.sram
    cut = sram.model_copy(update={"port_bytes_per_cycle": port, "banks": banks})
    assert sram_cycles(size, cut) == ceil(size / (banks * port))


@given(
    femtoseconds=st.integers(0, 10**12),
    clock=st.fractions(min_value=1000, max_value=10**11, max_denominator=10**6),
)
def test_a_time_takes_its_exact_number_of_cycles_rounded_up(femtoseconds, clock):
    seconds = float(f"{femtoseconds}e-15")
    assert in_cycles(seconds, clock_hz=clock) == ceil(Fraction(femtoseconds, 10**15) * clock)


@given(link=RATES)
def test_a_transfer_takes_as_many_flits_as_the_link_needs_cycles_on_average(link):
    chip = load_hardware("tile64")
    noc = chip.noc.model_copy(update={"link_bytes_per_cycle": link})
    tasks = place(learn(), chip).tasks
    flits = lower(tasks, chip.model_copy(update={"noc": noc})).flits
    kinds, sizes = tasks.kind.tolist(), tasks.size_bytes.tolist()
    sent = [at for at, kind in enumerate(kinds) if kind == TaskKind.TRANSFER]
    assert sent
    assert [flits[at] for at in sent] == [ceil(sizes[at] / link) for at in sent]


@pytest.mark.parametrize("more", [(), ("tiles.compute={kind: simd, lanes: 8, tree: 4, "
                                       "transposable: false, transpose: walk}",)])  # fmt: skip
def test_an_update_takes_no_longer_and_counts_no_less_than_between_the_whole_rates_beside(more):
    def simulated(link, port):
        settings = (f"noc.link={link} B/cycle", f"tiles.sram.port={port} B/cycle", *more)
        chip = load_hardware("tile64", overrides=settings)
        return run(learn(), chip)

    slow, between, fast = simulated(25, 4), simulated(25.6, 4.4), simulated(26, 5)
    assert slow.makespan_cycles >= between.makespan_cycles >= fast.makespan_cycles
    assert slow.macs == between.macs == fast.macs
    assert all(type(amount) is int for amount in between.counts.values())


def test_a_chip_of_fractions_is_written_down_exactly(tmp_path):
    settings = ("clock=1/3 GHz", "noc.link=77/3 B/cycle", "dram.bandwidth=12.8 GiB/s")
    chip = load_hardware("tile64", overrides=settings)
    assert (chip.clock_hz, chip.noc.link_bytes_per_cycle) == (Fraction(10**9, 3), Fraction(77, 3))
    path = tmp_path / "chip.yaml"
    path.write_text(dump_yaml(chip))
    assert load_hardware(path) == chip
    assert hash(load_hardware(path)) == hash(chip)


def test_a_rate_from_python_is_the_decimal_that_was_written():
    chip = load_hardware("tile64")
    noc = {**chip.noc.model_dump(), "link_bytes_per_cycle": 25.6}
    assert type(chip.noc).model_validate(noc).link_bytes_per_cycle == Fraction(256, 10)
    assert type(load_hardware("tile64").clock_hz) is int


def test_work_that_has_too_many_cycles_to_be_counted_is_refused():
    settings = ("dram.bandwidth=1 B/s", "clock=100 GHz", "dram.latency=1 s", "dram.burst=64 KiB")
    chip = load_hardware("tile64", overrides=(*settings, "dram.refresh={time: 0.999999999 s, "
                                              "interval: 1 s}"))  # fmt: skip
    with pytest.raises(InputError) as caught:
        lower(place(learn(), chip).tasks, chip)
    assert "the work of an update must take at most 1.2e+18 cycles, not " in str(caught.value)
    assert "--set clock" in str(caught.value)
