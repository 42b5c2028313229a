"""Rules that the engine trains but whose operations are not described yet are refused before training."""

import pytest

from pcsim.config import candidates, load_workload
from pcsim.errors import InputError
from pcsim.program import inference_of, program_of
from pcsim.program.build import form_of


@pytest.mark.parametrize(
    "setting,said",
    [
        ("pc.order=gauss_seidel", "pc.order must be jacobi to be timed, not gauss_seidel"),
        ("pc.variant=ipc", "pc.variant must be pc to be timed, not ipc"),
        ("pc.descent=adam", "pc.descent must be gd to be timed, not adam"),
        ("pc.tolerance=0.01", "pc.tolerance must be 0.0 to be timed, not 0.01"),
        ("pc.nudging=positive", "pc.nudging must be none to be timed, not positive"),
    ],
)
def test_what_is_trained_but_not_timed_yet_is_said(tile64, setting, said):
    workload = load_workload("digits", overrides=[setting])
    pc, bp = candidates(tile64(), workload)
    with pytest.raises(InputError) as caught:
        program_of(workload, pc, steps=3)
    hint = "the engine trains it; its time and energy on a chip are not modelled yet"
    assert said in str(caught.value) and str(caught.value).endswith(f"\n    {hint}")
    assert program_of(workload, bp, steps=0).rule == "bp"


def test_the_form_of_a_program_is_the_networks(tile64):
    settings = ["network.parameterisation=mupc", "network.skips=true", "network.activation=gelu"]
    workload = load_workload("digits", overrides=settings)
    form = form_of(workload)
    assert (form.scaled, form.skips, form.bias, form.post, form.phi) == (
        True,
        True,
        False,
        False,
        "gelu",
    )
    assert [form.skip(layer) for layer in (1, 2, 3)] == [False, True, False]
    post = load_workload("digits", overrides=["network.placement=post", "network.bias=true"])
    assert (form_of(post).post, form_of(post).bias) == (True, True)
    assert inference_of(post).elementwise()["add"] == 32 * (64 + 64 + 10)
