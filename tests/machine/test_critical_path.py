"""What each cycle of an update went to: sums to the makespan, and is what closed forms say."""

from __future__ import annotations

from hypothesis import given, settings

from pcsim.config import candidates, load_both, load_hardware
from pcsim.machine import Recorder, critical_path, recording_of, simulate
from pcsim.placement import place
from pcsim.schedules import update_program
from tests.helpers.chips_at_random import SLOW, chip_settings, networks, placed


def path_of(placement, hardware, *, cold=False):
    recorder = Recorder()
    activity = simulate(placement, hardware, recorder=recorder, cold=cold)
    recording = recording_of(placement, hardware, activity, recorder)
    return activity, critical_path(recording)


@settings(max_examples=40, **SLOW)
@given(program=networks(), chosen=chip_settings())
def test_every_cycle_is_charged_to_one_cause_on_every_chip(program, chosen):
    hardware = load_hardware("tile64", overrides=chosen)
    placement = placed(program, hardware)
    for cold in (False, True):
        activity, path = path_of(placement, hardware, cold=cold)
        assert sum(path.values()) == activity.makespan_cycles
        assert min(path.values(), default=1) > 0
        assert list(path.values()) == sorted(path.values(), reverse=True)
        gated = any("power" in each for each in chosen)
        # Weights are resident, so that without gates there is a cause for everything.
        assert gated or "room" not in path


def updates_on(chip, work, *overrides):
    hardware, workload = load_both(chip, work, overrides=overrides)
    for candidate in candidates(hardware, workload):
        placement = place(update_program(workload, candidate, profile=None), hardware)
        yield path_of(placement, hardware)


def test_where_only_products_take_time_all_of_it_is_theirs():
    for activity, path in updates_on("ideal", "digits"):
        assert path == {"array": activity.makespan_cycles}


def test_narrow_links_take_over_the_path_and_wide_ones_leave_it():
    shares = []
    for link in ("1 B/cycle", "32 B/cycle", "unlimited"):
        (activity, path), _ = updates_on("tile64", "digits", f"noc.link={link}")
        shares.append(path.get("link", 0) / activity.makespan_cycles)
    assert shares[0] > 0.6 > shares[1] > shares[2] == 0


def test_a_crossbar_s_time_is_its_own():
    for _, path in updates_on("crossbar64", "digits"):
        assert next(iter(path)) == "array" and path["array"] > 0.9 * sum(path.values())
