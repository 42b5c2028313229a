"""Pipelined backpropagation of graphs, against one batch at a time, and against bounds."""

import itertools

import pytest

from pcsim.config import candidates, load_hardware, load_workload
from pcsim.errors import InputError
from pcsim.machine import simulate
from pcsim.placement import place
from pcsim.program import Kind, pipelined_backpropagation, program_of
from pcsim.program.pipeline_orders import ORDERS
from pcsim.theory.operators import backpropagation_macs
from tests.helpers.graphs_at_random import graph
from tests.helpers.programs import cycles_of
from tests.oracles.graph_oracle import backpropagation_makespan
from tests.oracles.reference_machine import Machine


def pipelined(network, schedule, parts, *, batch=4):
    return pipelined_backpropagation(
        network,
        "mse",
        batch=batch,
        micro_batches=parts,
        optimiser="adam",
        schedule=schedule,
    )


@pytest.mark.parametrize("schedule", ORDERS)
@pytest.mark.parametrize("seed", range(0, 45, 2))
def test_pipelines_multiply_the_same_and_run_on_few_tiles_as_well(schedule, seed):
    network = graph(seed)
    program = pipelined(network, schedule, 4)
    assert tuple(program.macs().values()) == backpropagation_macs(network, 4)
    updated = sum(op.instances * op.elements for op in program.ops if op.kind is Kind.UPDATE)
    assert updated == network.parameter_count
    for mesh, size in itertools.product(("[8, 8]", "[1, 2]", "[1, 1]"), ("16 KiB", "4 MiB")):
        if size == "16 KiB" and mesh != "[8, 8]":
            continue
        overrides = [f"tiles.mesh={mesh}", f"tiles.sram.size={size}"]
        chip = load_hardware("tile64", overrides=overrides)
        placement = place(program, chip)
        activity = simulate(placement, chip)
        assert activity.macs == sum(program.macs().values())
        assert activity.makespan_cycles == Machine(placement, chip, cold=False).run()


@pytest.mark.parametrize("seed", range(45))
def test_zero_bubbles_of_one_part_are_sequential_and_waiting_for_gradients_is_no_faster(
    seed, ideal
):
    network = graph(seed)
    sequential = backpropagation_makespan(network, 4)
    for schedule, order in ORDERS.items():
        cycles = cycles_of(pipelined(network, schedule, 1), ideal())
        assert cycles >= sequential if order.joint else cycles == sequential


@pytest.mark.parametrize("seed", range(0, 45, 3))
def test_what_a_pipeline_keeps_grows_with_what_is_under_way(seed):
    network = graph(seed)

    def words(schedule, parts):
        program = pipelined(network, schedule, parts, batch=24)
        return sum(
            buffer.copies * buffer.words * program.batch * program.sizes(buffer.layer).n_out
            for buffer in program.buffers
            if buffer.axis == "value" and buffer.kind == "state" and buffer.name != "target"
        )

    # gpipe keeps the whole batch, 1f1b no more than that.
    whole = words("gpipe", 1)
    for parts in (2, 4, 8):
        assert words("1f1b", parts) <= words("gpipe", parts)
        assert words("gpipe", parts) >= whole


def test_a_threshold_that_no_training_follows_is_refused_in_one_sentence():
    work = load_workload("resnet-digits", overrides=["pc.threshold=0.1"])
    candidate = candidates(load_hardware("tile64"), work, rule="pc")[0]
    with pytest.raises(InputError, match=r"pc.threshold must be 0, not 0\.1, where network"):
        program_of(work, candidate, steps=2)


@pytest.mark.parametrize(
    "override",
    [
        *(f"bp.schedule={schedule} bp.micro_batches=2" for schedule in ORDERS),
        *(f"pc.order={order}" for order in ("jacobi", "gauss_seidel", "red_black")),
        *(f"pc.variant={variant}" for variant in ("ipc", "fpa", "epc")),
        "pc.variant=z_il pc.rate=1 pc.steps=4",
        "bp.schedule=gpipe bp.micro_batches=2 bp.stash=recomputed",
        "bp.schedule=1f1b bp.micro_batches=2 bp.stash=spilled",
        "pc.schedule=barrier",
        "pc.schedule=skewed pc.window=2",
        "pc.tolerance=0.1",
        "pc.micro_batches=2",
    ],
)
def test_settings_lead_to_programs_that_learn_everything_once(override):
    work = load_workload("resnet-digits", overrides=override.split())
    rule = override[:2]
    candidate = candidates(load_hardware("tile64"), work, rule=rule)[0]
    steps = len(work.network.graph.nodes)
    program = program_of(work, candidate, steps=steps)
    updated = sum(op.instances * op.elements for op in program.ops if op.kind is Kind.UPDATE)
    times = steps if "ipc" in override else 1
    assert updated == times * work.network.graph.parameter_count
