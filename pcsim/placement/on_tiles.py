"""Operations on one tile: products, elementwise work and updates, each of the slice that the tile has."""

from __future__ import annotations

from pcsim.config import Value
from pcsim.placement.flows import flow_of
from pcsim.placement.homes import Homes
from pcsim.placement.ledger import Ledger
from pcsim.placement.portions import by_owner, elements_of, everywhere
from pcsim.placement.tasks import TaskKind, Unit
from pcsim.program import Kind, Op, Role


class OnTiles:
    """Turns them into tasks. ``homes``: where weights are brought from for every use, None where they are resident;
    ``own_gradients``: weight gradients have a compute unit of their own; ``line_buffer``: windows are formed behind
    one."""

    def __init__(
        self, ledger: Ledger, homes: Homes | None, *, own_gradients: bool, line_buffer: bool
    ) -> None:
        self.ledger = ledger
        self.homes = homes
        self.own_gradients = own_gradients
        self.line_buffer = line_buffer

    def product(self, op: Op) -> None:
        group = self.ledger.groups[op.layer]
        contraction = op.contraction
        operands = contraction.operands
        summed = {Kind.PRODUCT_FORWARD: group.inputs, Kind.PRODUCT_BACKWARD: group.outputs}
        if len(summed.get(op.kind, ())) > 1 and not group.paired:
            operands = operands._replace(result=Value.ACCUMULATE)  # Partial sums leave the array.
        for i, j, tile, samples in everywhere(group, self.ledger.program.batch):
            mine = op.sizes.cut(len(group.inputs[i]), len(group.outputs[j]))
            m, n, k, repeat, streamed, stationary = contraction.extent(mine, len(samples))
            own = self.own_gradients and op.kind is Kind.WEIGHT_GRADIENT
            unit = Unit("array", tile, "gradients" if own else "")
            weights = []
            if self.homes and op.sizes.weighted and op.kind in summed:
                weights = [self.homes.weights(op, tile)]
            ready = self.ledger.builder.add(
                op,
                unit,
                TaskKind.PRODUCT,
                needs=weights,
                sizes=(m, n, k),
                repeat=repeat,
                flow=flow_of(op, len(samples)),
                buffered=(streamed, stationary) if self.line_buffer else (0, 0),
                operands=operands,
            )
            for loaded in weights:
                self.ledger.builder.users[loaded.task] = ready.task
            if self.homes and op.kind not in summed:
                self.homes.gradients.setdefault(tile, {})[op.layer] = ready.task
            self.ledger.at(op, tile, self.ledger.wait(ready, op, tile))

    def elementwise(self, op: Op) -> None:
        """On each tile's operand, windows or gradient, on summed feedback at its roots, of what all channels have in
        common at the first owner, else at the owners of the outputs."""
        group = self.ledger.groups[op.layer]
        for tile, elements in elements_of(op, group, self.ledger.program.batch):
            ready = self.ledger.builder.add(
                op,
                Unit("vector", tile),
                TaskKind.ELEMENTWISE,
                needs=(),
                flow=self.ledger.flow(op),
                elements=elements,
                kernel=op.kernel,
            )
            self.ledger.at(op, tile, self.ledger.wait(ready, op, tile))

    def update(self, op: Op) -> None:
        """Of the weights on each tile; of biases, gains and positions at the owners of the outputs. Where the batch is
        cut, those of share 0."""
        group = self.ledger.groups[op.layer]
        if op.role in (Role.BIAS, Role.GAIN):
            owners = by_owner(op, group, op.elements)
            parts = [(tile, elements, (0, 0, 0)) for tile, elements in owners]
        else:
            parts = []
            for i, j, tile in group.members():
                mine = op.sizes.cut(len(group.inputs[i]), len(group.outputs[j]))
                parts.append((tile, mine.weights, (mine.n_out, mine.weights // mine.n_out, 0)))
        for tile, parameters, sizes in parts:
            homes = self.homes if op.role is None else None
            arrived = homes.fetched(op, tile) if homes else []
            ready = self.ledger.builder.add(
                op,
                Unit("update", tile),
                TaskKind.UPDATE,
                needs=arrived,
                flow=self.ledger.flow(op),
                sizes=sizes,
                elements=parameters,
                kernel=op.kernel,
            )
            self.ledger.at(op, tile, self.ledger.wait(ready, op, tile))
            if homes:
                self.ledger.builder.users[arrived[0].task] = ready.task
                homes.updates.setdefault(tile, {})[op.layer] = ready.task
                homes.write_back(op, tile, ready)
