"""What the settings of a workload become: the program of every rule that the engine trains."""

import pytest

from pcsim.config import candidates, load_workload
from pcsim.program import Kind, Role, Told, program_of
from tests.helpers.programs import run


@pytest.mark.parametrize(
    "settings,credited,macs_over_bp",
    [
        (["pc.order=gauss_seidel"], 3, None),
        (["pc.order=red_black"], 3, None),
        (["pc.variant=ipc"], 3, 3),
        (["pc.variant=fpa"], 3, None),
        (["pc.variant=epc"], 3, None),
        (["pc.variant=z_il", "pc.rate=1", "pc.steps=2"], 3, 1),
        (["pc.steps=1"], 2, None),
        (["pc.steps=1", "pc.variant=ipc"], 1, 1),
        (["pc.schedule=barrier"], 3, None),
        (["pc.micro_batches=4"], 3, None),
        (["pc.tolerance=0.01", "pc.check_lag=2"], 3, None),
        (["pc.threshold=0.01"], 3, None),
        (["pc.nudging=positive", "pc.beta=0.5"], 3, None),
        (["pc.descent=momentum"], 3, None),
        (["pc.descent=adam"], 3, None),
    ],
)
def test_every_way_to_learn_is_timed_with_the_credit_it_has(
    tile64, settings, credited, macs_over_bp
):
    workload = load_workload("digits", overrides=settings)
    pc, bp = candidates(tile64(), workload)
    program = program_of(workload, pc, steps=pc.steps)
    assert len(program.credited) == credited
    learned = program_of(workload, bp, steps=0)
    activity = run(program, tile64())
    assert activity.macs == sum(program.macs().values())
    if macs_over_bp is not None:
        assert activity.macs == macs_over_bp * sum(learned.macs().values())


@pytest.mark.parametrize("descent,moments", [("gd", 0), ("momentum", 1), ("adam", 2)])
def test_moments_of_states_are_kept_read_and_written(tile64, descent, moments):
    workload = load_workload("digits", overrides=[f"pc.descent={descent}"])
    program = program_of(workload, candidates(tile64(), workload)[0], steps=3)
    kept = {buffer.name: buffer.copies for buffer in program.buffers_of(2)}
    assert kept.get("state moments", 0) == moments
    (moved,) = (
        op.kernel
        for op in program.ops
        if op.kind is Kind.ELEMENTWISE
        and op.role is Role.STATE
        and op.layer == 2
        and op.place.last == 3
    )
    assert (moved.reads.state, moved.writes.state) == (1 + moments, 2 + moments)


def test_nudging_moves_the_target_once_per_sample(tile64):
    plain, nudged = (
        program_of(workload, candidates(tile64(), workload)[0], steps=3).elementwise()
        for workload in (
            load_workload("digits", overrides=settings)
            for settings in ([], ["pc.nudging=centred", "pc.beta=0.3"])
        )
    )
    for primitive in ("subtract", "multiply_add"):
        assert nudged[primitive] - plain[primitive] == 32 * 10


def test_only_what_is_told_travels_with_an_index_or_a_bit_for_each(ideal):
    # 3 layers of 64, 64, 10; at batch 32 layer 1 tells 2,048 states at most.
    workload = load_workload("digits", overrides=["pc.threshold=0.01", "pc.wavefront=false"])
    pc = candidates(ideal(), workload)[0]
    told = Told(
        states=((0, 0, 0), (10, 500, 0), (0, 2048, 0), (1000, 3, 0)),
        errors=((0, 0, 0),) * 4,
    )
    sizes = (64, 64, 10)
    everything = program_of(workload, pc, steps=3)
    thinned = program_of(workload, pc, steps=3, told=told)
    bytes_of = [run(p, ideal()).noc_bytes for p in (everything, thinned)]
    full = sum(4 * 32 * width for width in sizes[:2])
    # A place among 2,048 takes 11 bits, a map of all of them 2,048.
    layer_1 = [(10, 110), (0, 0), (1000, 2048)]
    layer_2 = [(500, 2048), (2048, 2048), (3, 33)]
    thin = sum(4 * count + -(-bits // 8) for count, bits in layer_1 + layer_2)
    assert bytes_of[0] - bytes_of[1] == 3 * full - thin
    roles = [Role.STATE]
    forward = 32 * (64 + 64)
    assert thinned.exchanged_words(roles) == forward + 10 + 0 + 1000 + 500 + 2048 + 3


def test_a_lag_makes_steps_in_vain(tile64):
    workload = load_workload("digits", overrides=["pc.tolerance=0.01", "pc.check_lag=2"])
    pc = candidates(tile64(), workload)[0]
    assert program_of(workload, pc, steps=2).steps == 4


def test_the_credit_of_settings_is_that_of_their_program(tile64):
    from pcsim.theory.credit import credited

    for variant, order in (
        ("pc", "jacobi"),
        ("pc", "gauss_seidel"),
        ("pc", "red_black"),
        ("ipc", "jacobi"),
        ("fpa", "jacobi"),
        ("epc", "jacobi"),
    ):
        for widths in ((64, 9, 8, 7, 6, 10), (64, 9, 8, 7, 6, 5, 10)):
            for steps in range(1, 8):
                settings = [
                    f"pc.variant={variant}",
                    f"pc.order={order}",
                    f"pc.steps={steps}",
                    f"network.layers={list(widths)}",
                ]
                workload = load_workload("digits", overrides=settings)
                program = program_of(workload, candidates(tile64(), workload)[0], steps=steps)
                layers = len(widths) - 1
                assert len(program.credited) == credited(layers, variant, order, steps)
