"""What more of a resource brings: against the same change made by hand, and complete over the schema."""

from __future__ import annotations

import typing

import pytest

from pcsim.config import Hardware, candidates, load_both, load_hardware
from pcsim.config.compute.kinds import KINDS
from pcsim.config.section import Section
from pcsim.engine import train_all
from pcsim.levers import NO_RESOURCES, RESOURCES, levers_of
from pcsim.line import result_of, time_candidate
from pcsim.technology import price_list
from pcsim.verdict.lever_words import lever_phrase, lever_sentences
from pcsim.verdict.values import Lever

SHORT = ["training.epochs=1", "training.seeds=1"]
PAIRS = [("tile64", "mlp128"), ("edge4", "online"), ("crossbar64", "digits")]


@pytest.fixture(scope="module", params=PAIRS, ids=" x ".join)
def found(request):
    """(chip, workload, results, levers) of one shipped pair, trained shortly."""
    chip, work = request.param
    hardware, workload = load_both(chip, work, overrides=SHORT)
    chosen = candidates(hardware, workload)
    trained = train_all(workload, chosen)
    prices = price_list(hardware)
    results = [
        result_of(hardware, workload, each, trained[each.id], prices=prices) for each in chosen
    ]
    return chip, work, results, levers_of(hardware, workload, results)


def by_hand(chip: str, work: str, lever: Lever, results) -> dict[str, float]:
    """Latency by rule, new over old, of the chip that the lever's options give."""
    hardware, workload = load_both(chip, work, overrides=[*SHORT, *lever.settings])
    prices = price_list(hardware)
    ratios = {}
    for result in results:
        timed = time_candidate(
            hardware,
            workload,
            result.candidate,
            profile=result.training.profile,
            prices=prices,
            allocation=result.allocation,
        )
        ratios[result.candidate.rule] = timed.per_update.cycles / result.per_update.cycles
    return ratios


def test_every_lever_is_what_its_options_give_by_hand(found):
    chip, work, results, levers = found
    simulated = [lever for lever in levers if not lever.reason]
    assert len(simulated) > 10
    for lever in simulated:
        assert lever.latency == pytest.approx(by_hand(chip, work, lever, results)), lever.what


def test_the_lever_named_first_helps_most_of_all_doublings(found):
    *_, levers = found
    doubled = [lever for lever in levers if not lever.unlimited and not lever.reason]
    assert doubled == sorted(doubled, key=lambda lever: lever.speed)
    assert doubled[0].speed < 1


def test_the_crossbar_s_lever_is_its_read_time(found):
    chip, _, _, levers = found
    if chip == "crossbar64":
        assert levers[0].key == "tiles.compute.read_s"
        assert levers[0].settings == ("tiles.compute.read=50 ns",)


def numbers_of(model: type[Section], prefix: str = "") -> set[str]:
    """The paths of all fields of a section, and of the sections in it, that are numbers."""
    paths = set()
    for name, field in model.model_fields.items():
        kinds = {field.annotation, *typing.get_args(field.annotation)}
        sections = [k for k in kinds if isinstance(k, type) and issubclass(k, Section)]
        for section in sections:
            paths |= numbers_of(section, f"{prefix}{name}.")
        if not sections and kinds & {int, float, tuple[int, int]}:
            paths.add(f"{prefix}{name}")
    return paths


def test_every_number_of_a_chip_is_a_lever_or_has_a_reason_why_not():
    paths = {path for path in numbers_of(Hardware) if not path.startswith("tiles.compute.")}
    for kind in KINDS.values():
        paths |= numbers_of(kind, "tiles.compute.")
    paths = {
        path
        for path in paths
        if not path.startswith("costs")
        and not path.endswith(("retention", "read_noise", "write_noise", "mismatch"))
    }
    assert paths == {resource.path for resource in RESOURCES} | set(NO_RESOURCES)


def test_what_a_chip_does_not_have_is_no_lever():
    hardware, workload = load_both("ideal", "digits", overrides=SHORT)
    chosen = candidates(hardware, workload, rule="bp")
    trained = train_all(workload, chosen)
    results = [
        result_of(hardware, workload, each, trained[each.id], prices=price_list(hardware))
        for each in chosen
    ]
    levers = levers_of(hardware, workload, results)
    keys = {lever.key for lever in levers}
    assert "noc.link_bytes_per_cycle" not in keys and "tiles.vector.lanes" not in keys
    assert "tiles.compute.rows" in keys
    assert load_hardware("ideal") == hardware


def lever(what="links 32 to 64 B/cycle", *, key="noc.link", pc=0.86, bp=0.84, **settings):
    return Lever(
        key,
        what,
        ("a=b",),
        settings.pop("unlimited", False),
        {"pc": pc, "bp": bp},
        {"pc": 1.0, "bp": 1.0},
        settings.pop("area", None),
        **settings,
    )


def test_how_a_lever_is_said():
    assert lever_phrase(lever(area=1.03)) == "links 32 to 64 B/cycle: -15 % time, +3 % area"
    assert (
        lever_phrase(lever(reason="it does not fit")) == "links 32 to 64 B/cycle: it does not fit"
    )
    said = list(lever_sentences([lever(), lever(unlimited=True, pc=0.5, bp=0.5)]))
    assert said == [
        "Doubled alone, these resources save most time per update: links 32 to 64 B/cycle: "
        "-15 % time.",
        "Without any limit the first would bring -50 % time.",
    ]
    assert list(lever_sentences([lever(pc=1.0, bp=1.0)])) == [
        "No single resource of the chip, doubled, saves more than half a percent of the time."
    ]
    assert list(lever_sentences([])) == []
