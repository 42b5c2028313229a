"""Plain inference as a program: the feed-forward pass of one batch, outputs sent to DRAM."""

from __future__ import annotations

from pcsim.program.ops import Key, Kind, Phase, Program, ProgramBuilder, Role
from pcsim.program.parts import Place, forward_pass, keep_forward_memory, load, send


def inference(widths: tuple[int, ...], *, batch: int, phi: str) -> Program:
    """Predictions p_L of one batch; the same for every learning rule."""
    program = ProgramBuilder(widths, batch)
    loaded = load(program, with_target=False)
    forward_pass(program, loaded, phi=phi)
    output = Key(Kind.REDUCE, Role.PREDICTION, program.depth, Phase.START)
    send(program, Role.OUTPUT, program.depth, Place(Phase.START, "data"), [output])
    for layer in range(1, program.depth + 1):
        keep_forward_memory(program, layer)
    return program.build("inference", steps=0, optimiser=None, credited=())
