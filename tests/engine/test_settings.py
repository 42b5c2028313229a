"""Which settings of a workload's rules have a meaning, and what the candidates are then called."""

import pytest

from pcsim.config import candidates, load_workload
from pcsim.errors import InputError


def refusals(*overrides):
    with pytest.raises(InputError) as caught:
        load_workload("digits", overrides=overrides)
    return [problem.message for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["network.placement=post", "network.skips=true"],
            "network.skips must be false where network.placement is post, not true",
        ),
        (
            ["network.placement=post", "network.parameterisation=mupc"],
            "network.parameterisation must be sp where network.placement is post, not 'mupc'",
        ),
        (
            ["pc.variant=ipc", "pc.order=red_black"],
            "pc.order must be jacobi where pc.variant is ipc, not 'red_black'",
        ),
        (
            ["pc.variant=epc", "pc.descent=adam"],
            "pc.descent must be gd where pc.variant is epc, not 'adam'",
        ),
        (
            ["pc.variant=fpa", "pc.nudging=positive"],
            "pc.nudging must be none where pc.variant is fpa, not 'positive'",
        ),
        (
            ["pc.variant=epc", "pc.tolerance=0.5"],
            "pc.tolerance must be 0.0 where pc.variant is epc, not 0.5",
        ),
        (
            ["pc.variant=ipc", "pc.threshold=0.5"],
            "pc.threshold must be 0.0 where pc.variant is ipc, not 0.5",
        ),
        (
            ["pc.variant=z_il", "pc.steps=2"],
            "pc.rate must be 1 where pc.variant is z_il, which is exact only then, not 0.3",
        ),
        (
            ["pc.variant=z_il", "pc.rate=1"],
            "pc.steps must be 2 where pc.variant is z_il, one step for each hidden layer, not 3",
        ),
        (["pc.beta=0.5"], "pc.beta must be 1 where pc.nudging is none, not 0.5"),
        (
            ["pc.nudging=centred", "training.loss=cross_entropy"],
            "pc.nudging must be none where training.loss is cross_entropy, whose outputs are no "
            "targets, not 'centred'",
        ),
        (["pc.tolerance=1"], "pc.tolerance must be a number from 0 to below 1, not 1"),
        (["pc.momentum=-0.1"], "pc.momentum must be a number from 0 to below 1, not -0.1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_settings_without_a_meaning_are_refused(overrides, message):
    assert refusals(*overrides) == [message]


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ([], "pc-jacobi"),
        (["pc.order=gauss_seidel"], "pc-gauss-seidel"),
        (["pc.variant=ipc"], "ipc"),
        (["pc.variant=z_il", "pc.rate=1", "pc.steps=2"], "z-il"),
        (["pc.order=red_black", "pc.descent=momentum"], "pc-red-black-momentum"),
        (["pc.nudging=centred"], "pc-jacobi-centred"),
    ],
)
def test_a_candidate_is_called_by_what_it_does(tile64, overrides, name):
    (candidate,) = candidates(tile64(), load_workload("digits", overrides=overrides), rule="pc")
    assert candidate.id == name
    assert candidate.inference.plain == (name == "pc-jacobi")


def test_only_the_plain_variant_hoists_and_skips_what_the_others_cannot(tile64):
    for variant, wavefront, hoist in (
        ("pc", True, True),
        ("epc", False, True),
        ("ipc", False, False),
    ):
        work = load_workload("digits", overrides=[f"pc.variant={variant}"])
        (candidate,) = candidates(tile64(), work, rule="pc")
        assert (candidate.wavefront, candidate.hoist) == (wavefront, hoist)
