"""A program as text, one line an operation, for eyes and for comparisons.

step 2-5     product_backward.feedback[3 z3.0.0]   5 x 9 x 8            after exchange.error[3 z3.0.0]@step -1
"""

from __future__ import annotations

from collections.abc import Iterator

from pcsim.program.ops import ALL, PRODUCTS, Kind, Need, Op, Program


def text_of(program: Program) -> str:
    """What parts there are, then every operation in order: when, which, of what size, after what."""
    return "\n".join((*_head(program), *map(lambda op: _line(program, op), program.ops)))


def _head(program: Program) -> Iterator[str]:
    yield (
        f"{program.rule}: {program.depth} parts, batch {program.batch}, {program.steps} steps, "
        f"{len(program.ops)} operations, {sum(program.macs().values()):,} multiply-accumulates"
    )
    for number in range(1, program.depth + 1):
        sizes = program.sizes(number)
        said = f"part {number} {program.name_of(number) if program.names else ''}".rstrip()
        yield (
            f"  {said}: {sizes.n_in} x {sizes.n_out} channels, {sizes.rows_in} -> {sizes.rows_out} rows"
            + (f", windows of {sizes.taps}" if sizes.taps > 1 else "")
            + (f", {sizes.groups} groups" if sizes.groups > 1 else "")
            + (f", {sizes.weights:,} weights" if sizes.weighted else ", no weights")
        )


def _line(program: Program, op: Op) -> str:
    place = op.place
    when = (
        str(op.phase)
        if place.first == place.last == 1
        else f"{op.phase} {place.first}-{place.last}"
    )
    name = str(op.key).rpartition("@")[0]
    after = ", ".join(map(_need, op.needs))
    return (
        f"{when:12} {name:44} {_size(program, op):32} {f'after {after}' if after else ''}".rstrip()
    )


def _size(program: Program, op: Op) -> str:
    """Of a product its matrices, of elementwise work its primitives, of an exchange where it goes."""
    if op.kind in PRODUCTS:
        m, n, k, repeat, *_ = op.contraction.extent(op.sizes, program.batch)
        return f"{m} x {n} x {k}" + (f", {repeat} times" if repeat > 1 else "")
    said = f"{op.elements}"
    if op.kind in (Kind.ELEMENTWISE, Kind.UPDATE):
        work = " ".join(
            f"{each.times} {each.name}" if each.times > 1 else each.name
            for each in op.kernel.primitives
        )
        return f"{said} {work}".rstrip()
    return f"{said} to part {op.target}" if op.target else said


def _need(need: Need) -> str:
    if need.back == ALL:
        return f"all {need.op}"
    return f"{need.op}" if not need.back else f"{need.op} {-need.back:+d}"
