"""Plain inference as a program: the feed-forward pass of one batch, outputs sent to DRAM."""

from __future__ import annotations

from pcsim.program.builder import ProgramBuilder
from pcsim.program.form import Form
from pcsim.program.memory import keep_forward_memory
from pcsim.program.ops import Phase, Place, Program, Role
from pcsim.program.parts import forward_pass, load, output, send


def inference(form: Form, *, batch: int) -> Program:
    """Predictions p_L of one batch; the same for every learning rule."""
    program = ProgramBuilder(form.widths, batch, optimiser=None)
    loaded = load(program, with_target=False)
    forward_pass(program, form, loaded)
    done = output(program, form)
    send(program, Role.OUTPUT, program.depth, Place(Phase.START, "data"), [done])
    for layer in range(1, program.depth + 1):
        keep_forward_memory(program, form, layer)
    return program.build("inference", steps=0, credited=())
