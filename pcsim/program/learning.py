"""How every rule's program learns: weight gradients, and the optimiser's steps once they are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pcsim.program.builder import ProgramBuilder
from pcsim.program.form import Form
from pcsim.program.kernels import ADD, Kernel, update_kernel
from pcsim.program.ops import ALL, Key, Kind, Need, Phase, Place, Role
from pcsim.program.parts import elementwise
from pcsim.program.words import Words


def gradient(
    program: ProgramBuilder,
    form: Form,
    layer: int,
    place: Place,
    needs: Iterable[Need | Key],
) -> list[Key]:
    """Weight gradient of ``layer``, and where there are biases theirs, the error summed over the batch.

    Those of several micro-batches are added up where they are kept.
    """
    wanted = list(needs)
    ready = [program.add(Kind.WEIGHT_GRADIENT, layer, place, needs=wanted)]
    if form.bias:
        summed = Kernel((ADD,), reads=Words(error=1), writes=Words())
        ready.append(elementwise(program, Role.BIAS, layer, place, summed, wanted))
    return ready


def update(
    program: ProgramBuilder, form: Form, layer: int, place: Place, gradients: Iterable[Need]
) -> Key:
    """The optimiser's step of the weights of ``layer``, and of its biases; ``gradients`` as from `gradient`."""
    assert program.optimiser is not None, "an update has an optimiser"
    of_weights, *of_biases = gradients
    kernel = update_kernel(program.optimiser, master=program.master)
    copies = [Need(Key(Kind.EXCHANGE, Role.MASTER, layer, Phase.SETUP), ALL)]
    done = program.add(
        Kind.UPDATE,
        layer,
        place,
        elements=program.widths[layer - 1] * program.widths[layer],
        kernel=kernel,
        needs=[of_weights, *(copies if program.master else [])],
    )
    if form.bias:
        program.add(
            Kind.UPDATE,
            layer,
            place,
            role=Role.BIAS,
            elements=program.widths[layer],
            kernel=kernel,
            needs=of_biases,
        )
    return done


def learn(program: ProgramBuilder, form: Form, needs: Mapping[int, Iterable[Need | Key]]) -> None:
    """Gradients of the layers in ``needs`` at the end of an update, from the top layer down, and their updates."""
    place = program.once_each(Phase.FINISH, "update")
    ready = {
        layer: gradient(program, form, layer, place, needs[layer])
        for layer in sorted(needs, reverse=True)
    }
    update_all(program, form, ready)


def update_all(program: ProgramBuilder, form: Form, gradients: Mapping[int, Iterable[Key]]) -> None:
    """One update of each layer once the gradients of all micro-batches are there."""
    once = Place(Phase.FINISH, "update")
    for layer, keys in gradients.items():
        update(program, form, layer, once, [Need(key, ALL) for key in keys])
