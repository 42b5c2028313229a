"""What must not be missed: each warning where it is due, and nowhere else."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from pcsim.config import load_both
from pcsim.line import run
from pcsim.network import graph_of
from pcsim.report.run_page import run_page
from pcsim.verdict import Verdict, summary
from pcsim.verdict.assumed import AssumedCost
from pcsim.verdict.warnings import absent_text, warnings_of
from tests.helpers.door import pcsim
from tests.helpers.verdict_values import FAST, SLOW, curve, result, verdict

QUICK = ["training.epochs=1", "training.seeds=2", "network.layers=[64, 8, 10]"]

GRAPH = graph_of(
    [2], [{"name": "y", "branches": [{"from": "x", "map": [["dense", {"units": 2}]]}]}]
)


def kinds(made: Verdict) -> list[str]:
    return [warned.kind for warned in made.warnings]


def ran(*settings: str, hardware: str = "tile64") -> Verdict:
    return run(*load_both(hardware, "digits", overrides=[*QUICK, *settings]))


def test_a_run_without_a_fault_has_no_warning():
    made = ran()
    assert made.warnings == () and summary(made)["warnings"] == []


def test_an_inference_rate_above_its_limit_is_warned_of_with_rate_limit_and_factor():
    made = ran("pc.rate=2.5", "pc.steps=20", "network.layers=[64, 64, 64, 10]")
    training = made.results[0].training
    assert training.rate_excess == pytest.approx(2.5 / training.profile.rate_limit)
    (warned,) = (each for each in made.warnings if each.kind == "rate")
    assert warned.rule == "pc"
    assert f"its rate 2.5 is {training.rate_excess:.2f} times the stability limit" in warned.text
    assert f"{training.profile.rate_limit:.3g}" in warned.text
    assert warned.mend == "A smaller pc.rate mends this."
    assert made.sentences[0].startswith(warned.text)


LINEAR = "network.activation=linear"


@pytest.mark.parametrize(
    "settings",
    [
        ("pc.rate=1000", "pc.steps=100", LINEAR),
        ("pc.rate=900", "pc.steps=200", LINEAR, "pc.order=gauss_seidel"),
        ("pc.rate=900", "pc.steps=200", LINEAR, "pc.descent=momentum"),
        ("pc.variant=ipc", "pc.rate=900", "pc.steps=60", LINEAR),
        ("pc.variant=epc", "pc.rate=900", "pc.steps=200", LINEAR),
        ("pc.optimiser={kind: sgd, rate: 1000}", LINEAR),
        ("bp.optimiser={kind: sgd, rate: 1000}", LINEAR),
    ],
)
def test_of_a_network_that_diverged_no_accuracy_is_told(settings):
    with np.errstate(all="ignore"):
        made = ran(*settings)
    facts = summary(made)
    json.dumps(facts, allow_nan=False)
    diverged = [each.rule for each in made.warnings if each.kind == "diverged"]
    assert len(diverged) == 1
    for told in facts["results"]:
        known = told["accuracy"]["mean"] is not None
        assert known == (told["rule"] != diverged[0])
    assert all(race.winner is None for race in made.ratios.races)
    assert made.warnings[0].kind == "diverged"


def test_classes_without_images_are_named_by_part():
    assert absent_text(((), (), ())) == ""
    assert absent_text(((9,), (), (9,))) == (
        "The training images lack class 9, the test images lack class 9"
    )
    assert absent_text(((0, 1, 2, 5), (3,), ())) == (
        "The training images lack classes 0 to 2, 5, the validation images lack class 3"
    )


def rare(tmp_path):
    """A data set of 200 images, one of them of class 9, and a workload that uses it."""
    random = np.random.default_rng(0)
    labels = np.append(np.arange(199) % 9, 9)
    np.savez(
        tmp_path / "rare.npz",
        images=random.integers(0, 256, (200, 8, 8), np.uint8),
        labels=labels.astype(np.uint8),
    )
    work = tmp_path / "rare.yaml"
    work.write_text(
        "schema: pcsim/workload/1\nname: rare\nextends: digits\n"
        "network: {layers: [64, 16, 10]}\n"
        "data: {dataset: ./rare.npz, train: 100, validation: 50, test: 50, normalise: true}\n"
        "training: {batch: 8, epochs: 2, seeds: 1}\n"
    )
    return work


def test_a_class_that_one_part_lacks_is_told_by_check_screen_and_page(tmp_path):
    work = rare(tmp_path)
    done = pcsim("check", "tile64", str(work))
    assert done.exit_code == 0 and "lack class 9" in done.output
    made = run(*load_both("tile64", str(work)))
    (warned,) = (each for each in made.warnings if each.kind == "classes")
    assert warned.text.count("class 9") == 2  # Of three parts one at most has the image.


def test_costs_that_nobody_published_are_warned_of_from_one_half_on():
    results = [result("pc", (FAST,)), result("bp", (SLOW,))]
    ids = [each.candidate.id for each in results]

    def cost(share):
        shares = dict(zip(ids, share, strict=True))
        return AssumedCost("a.b", 1.0, 0.5, 2.0, "J per mac", "assumed", "", "", shares)

    assert warnings_of(results, [cost((0.3, 0.2)), cost((0.2, 0.1))], graph=GRAPH) == ()
    (warned,) = warnings_of(results, [cost((0.3, 0.2)), cost((0.3, 0.1))], graph=GRAPH)
    assert warned.kind == "assumed" and "60 % of PC's energy" in warned.text


def test_the_most_important_comes_first():
    pc = result("pc", (FAST, SLOW), credited=(2,))
    curves = (curve(0, FAST), curve(1, (0.1, 0.2), diverged_at=17))
    profile = replace(pc.training.profile, rate_limit=0.1, credit_reasons=("steps", ""))
    training = replace(pc.training, curves=curves, profile=profile, rate=0.3, absent=((1,), (), ()))
    found = warnings_of([replace(pc, training=training, label="PC")], [], graph=GRAPH)
    assert [warned.kind for warned in found] == ["diverged", "rate", "credit", "classes"]
    assert found[0].text == (
        "PC diverged on 1 of 2 seeds, first at update 17; no accuracy is given."
    )


def test_narrow_formats_that_cost_accuracy_are_told_with_what_fp32_would_cost():
    made = run(
        *load_both(
            "tile64",
            "digits",
            overrides=[
                "training.epochs=2",
                "training.seeds=3",
                "tiles.formats={weight: fp32, state: q3.3, error: q3.3, accumulate: fp32, "
                "optimiser: fp32}",
            ],
        ),
        rule="pc",
    )
    found = [each for each in made.warnings if each.kind == "format"]
    assert len(found) == 1 and "points of accuracy" in found[0].text


def test_the_page_shows_warnings_first():
    from pcsim.report.facts import RunFacts, facts_of

    run_facts = facts_of(verdict(), config_text="")
    warned = {"kind": "rate", "rule": "pc", "text": "Too fast <b>.", "mend": "Slower."}
    text = run_page(RunFacts({**run_facts.summary, "warnings": [warned]}, run_facts.tables, ""), [])
    assert text.index("Too fast &lt;b&gt;.") < text.index("<table")
