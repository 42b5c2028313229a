"""What all ways to relax share: the feed-forward start, the kernels, and the end of an update."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pcsim.config import Value
from pcsim.program.builder import ProgramBuilder
from pcsim.program.form import Form
from pcsim.program.kernels import DESCENT_WORDS, DESCENTS, MULTIPLY_ADD, SUBTRACT, Kernel
from pcsim.program.learning import gradient, learn, update
from pcsim.program.loop import Loop as Loop
from pcsim.program.memory import keep_forward_memory, keep_learning_memory
from pcsim.program.ops import Key, Kind, Need, Phase, Role, Turn
from pcsim.program.parts import (
    OUTPUT_KERNELS,
    Loaded,
    elementwise,
    forward_pass,
    load,
    operand_of,
    send,
)
from pcsim.program.words import Words


def newest(
    program: ProgramBuilder, kind: Kind, role: Role, layer: int, *, back: int = 0
) -> list[Need]:
    """The newest instance of an operation that runs in the steps and perhaps also at the start."""
    needs = [Need(Key(kind, role, layer, Phase.STEP), back)]
    at_start = Key(kind, role, layer, Phase.START)
    return [*needs, Need(at_start)] if program.has(at_start) else needs


def state_update_kernel(form: Form, layer: int, descent: str = "gd") -> Kernel:
    """z <- z + eta (feedback - e), then what is sent up: reads z, feedback, e and moments; writes z, moments
    and phi(z)."""
    sent = form.sent_activation(layer)
    moments = DESCENT_WORDS[descent]
    primitives = (*form.received_slope(layer), SUBTRACT, DESCENTS[descent], *sent)
    writes = Words(state=moments + (1 if form.sends_state(layer) else 2))
    return Kernel(primitives, reads=Words(state=1 + moments, error=2), writes=writes)


def error_kernel(form: Form, layer: int, *, fresh: bool) -> Kernel:
    """From the summed product to e_l, and to phi'(u_l) e_l where phi comes after the product.

    Reads the product and z (y at the output), and a skipped state; writes e_l (and its product with
    the slope, which feedback and gradient take). Not ``fresh``: the prediction is complete already.
    """
    behind = form.slope() if form.post and layer < form.depth else ()
    writes = Words(error=2 if behind else 1)
    if not fresh:
        return Kernel((SUBTRACT, *behind), reads=Words(state=2), writes=writes)
    combine = form.combine(layer)
    reads = combine.reads + Words(state=1)
    if layer == form.depth:
        last = OUTPUT_KERNELS[form.loss]
        return Kernel((*combine.primitives, *last.primitives), reads, writes=Words(error=1))
    primitives = (*combine.primitives, *form.predicted_activation(layer), SUBTRACT, *behind)
    return Kernel(primitives, reads, writes)


def start(
    program: ProgramBuilder, form: Form, *, shared: Callable[[int], bool], nudged: bool = False
) -> Loaded:
    """Feed-forward: z_l = p_l, so only e_L is non-zero. Errors of ``shared`` layers go to all their tiles.

    ``nudged``: the target becomes u - beta (u - y) once the output u is there.
    """
    loaded = load(program, with_target=True)
    forward_pass(program, form, loaded)
    place, last = program.once_each(Phase.START, "forward"), program.depth
    for layer in range(1, last + 1):
        needs: list[Need | Key] = [Key(Kind.REDUCE, Role.PREDICTION, layer, Phase.START)]
        kernel = Kernel((SUBTRACT,), reads=Words(state=2), writes=Words(error=1))
        if layer == last:
            kernel = OUTPUT_KERNELS[form.loss]
            if form.combine(last).primitives:
                needs.append(Key(Kind.ELEMENTWISE, Role.PREDICTION, last, Phase.START))
            if loaded.target is not None:
                needs.append(loaded.target)
            if nudged:
                moved = Kernel((SUBTRACT, MULTIPLY_ADD), Words(state=2), Words(state=1))
                needs.append(elementwise(program, Role.NUDGED, layer, place, moved, needs))
        error = elementwise(program, Role.ERROR, layer, place, kernel, needs)
        if layer > 1 and shared(layer):
            send(program, Role.ERROR, layer, place, [error])
    return loaded


def operands(
    program: ProgramBuilder, form: Form, layer: int, loaded: Loaded, *, back: int
) -> Iterable[Need]:
    """After which the newest operand of ``layer`` is on its tiles, seen from ``back`` instances later."""
    if layer == 1:
        return [loaded.input]
    if form.received_activation(layer) is not None:
        return newest(program, Kind.ELEMENTWISE, Role.OPERAND, layer, back=back)
    return newest(program, Kind.EXCHANGE, Role.STATE, layer - 1, back=back)


def finish(
    program: ProgramBuilder,
    form: Form,
    loaded: Loaded,
    errors: Mapping[int, Iterable[Need]],
    *,
    final: int,
    fixed_operands: bool = False,
    descent: str = "gd",
) -> None:
    """Gradients and updates of the layers whose last ``errors`` are given, and everybody's memory.

    ``errors`` of a layer are what must have ended for them to be on all its tiles; those of layer 1 on
    its owners only, as nothing in inference has sent them on. ``fixed_operands``: products read what the
    feed-forward pass made. ``descent``: how states followed their gradients, for its moments.
    """
    place = program.once_each(Phase.FINISH, "update")
    gradient_needs: dict[int, list[Need | Key]] = {}
    for layer, needs in errors.items():
        shared: list[Need | Key] = list(needs)
        if layer == 1:  # W_1 has no backward product, so e_1 is shared only now.
            shared = [send(program, Role.ERROR, 1, place, shared)]
        if fixed_operands:
            operand = [operand_of(form, layer, loaded, Phase.START)]
        else:
            operand = list(operands(program, form, layer, loaded, back=final))
        gradient_needs[layer] = [*shared, *operand]
    learn(program, form, gradient_needs)
    keep(program, form, descent=descent)


def learn_at_once(
    program: ProgramBuilder,
    form: Form,
    loaded: Loaded,
    layers: Iterable[int],
    loop: Loop,
    turn: Callable[[int], Turn],
    *,
    error: Callable[[int], Key] | None = None,
) -> None:
    """Gradient and update of each layer within the last step, once its last error is there.

    ``error`` of a layer is the elementwise operation after which it is, unless it is that of role ERROR;
    it is sent to all tiles here where nothing else has done so.
    """
    for layer in sorted(layers, reverse=True):
        place = loop.place(loop.steps, turn=turn(layer), stage="update")
        ready = error(layer) if error else Key(Kind.ELEMENTWISE, Role.ERROR, layer, Phase.STEP)
        sent = Key(Kind.EXCHANGE, Role.ERROR, layer, Phase.STEP)
        if not (program.has(sent) and ready.role is Role.ERROR):
            role = Role.ERROR if not program.has(sent) else Role.PULL
            sent = send(program, role, layer, place, [ready])
        wanted: list[Need | Key] = [sent, *operands(program, form, layer, loaded, back=0)]
        keys = gradient(program, form, layer, place, wanted)
        update(program, form, layer, place, [Need(key) for key in keys])


def keep(program: ProgramBuilder, form: Form, *, descent: str = "gd") -> None:
    """What every layer keeps in memory, of all micro-batches."""
    parts = program.micro_batches
    for layer in range(1, program.depth + 1):
        keep_forward_memory(program, form, layer)
        keep_learning_memory(program, form, layer)
        if layer < program.depth:
            program.keep(layer, "state", "state", Value.STATE, axis="out", copies=parts, owner=True)
            if moments := parts * DESCENT_WORDS[descent]:
                program.keep(
                    layer,
                    "state moments",
                    "state",
                    Value.STATE,
                    axis="out",
                    copies=moments,
                    owner=True,
                )
            if form.post:
                program.keep(
                    layer, "error times slope", "error", Value.ERROR, axis="out", copies=parts
                )
