"""How do the cycles and energies of a layer's three products compare with ZigZag's, and where do they part?

    pip install -e '.[bench]'
    python benchmarks/crosscheck.py [--batch 64 --inputs 128 --outputs 128] [--chip tile64]

ZigZag (zigzag-dse, an analytical model of its own) is given the same weight-stationary array, one memory of the
same size and port, and the same cost of a multiply-accumulate and of a byte; its loops run in the order of a
weight-stationary array: batch innermost, then folds along K, then along N. Every difference is taken apart into
terms, each with its cause; what is left without one is printed as ``unexplained`` and ends the run with exit code 1.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pcsim.config import Hardware, load_hardware
from pcsim.config.compute.systolic import Systolic
from pcsim.machine.units import Product, form_of
from pcsim.program import PRODUCTS, Kind
from pcsim.technology import PriceList, price_list

KINDS = {
    "forward": Kind.PRODUCT_FORWARD,
    "backward": Kind.PRODUCT_BACKWARD,
    "gradient": Kind.WEIGHT_GRADIENT,
}
WORD_BITS = 32


@dataclass(frozen=True)
class Sizes:
    """C[M, N] = A[M, K] B[K, N]."""

    m: int
    n: int
    k: int


def sizes_of(name: str, batch: int, inputs: int, outputs: int) -> Sizes:
    return {
        "forward": Sizes(batch, outputs, inputs),
        "backward": Sizes(batch, inputs, outputs),
        "gradient": Sizes(outputs, inputs, batch),
    }[name]


def accelerator(chip: Hardware, array: Systolic, prices: PriceList) -> dict[str, Any]:
    """The chip's array and memory in ZigZag's words. Costs are in pJ per access of the whole port."""
    sram = chip.tiles.sram
    assert sram.size_bytes is not None and sram.port_bytes_per_cycle is not None
    port_bits = 8 * sram.banks * sram.port_bytes_per_cycle

    def access(action: str) -> float:
        return prices.prices["sram", action].joules * 1e12 * port_bits / 8

    def port(name: str, kind: str, width: int, *allocation: str) -> dict[str, Any]:
        widths = {"bandwidth_min": min(width, WORD_BITS), "bandwidth_max": width}
        return {"name": name, "type": kind, **widths, "allocation": list(allocation)}

    everything = ("I1, tl", "I2, tl", "O, tl", "O, fl")
    return {
        "name": chip.name,
        "memories": {
            "weight_register": {
                "size": WORD_BITS,
                "r_cost": 0.0,
                "w_cost": 0.0,
                "area": 0.0,
                "latency": 1,
                "operands": ["I2"],
                "ports": [
                    port("r_port_1", "read", WORD_BITS, "I2, tl"),
                    port("w_port_1", "write", WORD_BITS, "I2, fh"),
                ],
                "served_dimensions": [],
            },
            "sram": {
                "size": 8 * sram.size_bytes,
                "r_cost": access("read_byte"),
                "w_cost": access("write_byte"),
                "area": 0.0,
                "latency": 1,
                "operands": ["I1", "I2", "O"],
                "ports": [port("rw_port_1", "read_write", port_bits, *everything)],
                "served_dimensions": ["D1", "D2"],
            },
        },
        "operational_array": {
            "unit_energy": prices.prices["array", "mac"].joules * 1e12,
            "unit_area": 1.0,
            "dimensions": ["D1", "D2"],
            "sizes": [array.cols, array.rows],
            "systolic_dimensions": ["D1", "D2"],
        },
    }


def layer(sizes: Sizes) -> list[dict[str, Any]]:
    return [
        {
            "id": 0,
            "name": "product",
            "operator_type": "Gemm",
            "equation": "O[b][k]+=I[b][c]*W[c][k]",
            "loop_dims": ["B", "K", "C"],
            "loop_sizes": [sizes.m, sizes.n, sizes.k],
            "operand_precision": {"O": 32, "O_final": 32, "W": 32, "I": 32},
            "operand_source": {"W": 0, "I": 0},
        }
    ]


def mapping(array: Systolic, sizes: Sizes) -> list[dict[str, Any]]:
    columns, rows = min(array.cols, sizes.n), min(array.rows, sizes.k)
    loops = (("B", sizes.m), ("C", -(-sizes.k // rows)), ("K", -(-sizes.n // columns)))
    return [
        {
            "name": "default",
            "spatial_mapping": {"D1": [f"K, {columns}"], "D2": [f"C, {rows}"]},
            "temporal_ordering": [[name, size] for name, size in loops if size > 1],
            "memory_operand_links": {"O": "O", "W": "I2", "I": "I1"},
        }
    ]


def zigzag(chip: Hardware, array: Systolic, prices: PriceList, sizes: Sizes) -> Any:
    """ZigZag's evaluation of one product."""
    from zigzag.api import get_hardware_performance_zigzag

    with tempfile.TemporaryDirectory() as folder:
        files = {
            "accelerator": accelerator(chip, array, prices),
            "mapping": mapping(array, sizes),
            "workload": layer(sizes),
        }
        paths = {}
        for name, content in files.items():
            path = Path(folder) / f"{name}.yaml"
            path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
            paths[name] = str(path)
        _, _, found = get_hardware_performance_zigzag(
            paths["workload"],
            paths["accelerator"],
            paths["mapping"],
            opt="latency",
            dump_folder=f"{folder}/out",
            loma_show_progress_bar=False,
        )
    return found[0][1][0][0]


def folds_of(array: Systolic, sizes: Sizes) -> tuple[int, int]:
    """Folds along K and along N."""
    return -(-sizes.k // array.rows), -(-sizes.n // array.cols)


def cycle_terms(chip: Hardware, array: Systolic, sizes: Sizes, moved_bytes: int) -> dict[str, int]:
    """What has to be added to ZigZag's cycles to get ours, by cause; we move ``moved_bytes``."""
    sram, (along_k, along_n) = chip.tiles.sram, folds_of(array, sizes)
    assert sram.port_bytes_per_cycle is not None
    port, folds = sram.banks * sram.port_bytes_per_cycle, along_k * along_n

    def whole(words: int) -> int:
        return -(-words * WORD_BITS // 8 // port)

    # Per streamed row one row of A and one of results, of partial sums also read; per fold its weights. What is last of
    # each comes as the array ends.
    results = 1 if along_k == 1 else 2
    moved = sizes.m * folds * (whole(array.rows) + results * whole(array.cols))
    moved += folds * whole(array.rows * array.cols)
    through_port = moved - sizes.m * folds - 1 - results
    alone = folds * (sizes.m + 2 * array.rows + array.cols - 2)
    return {
        "weights are loaded row by row before each fold": folds * array.rows,
        "every fold fills and drains, in ZigZag only the last": (folds - 1)
        * (array.rows + array.cols - 2),
        "in ZigZag each operand takes whole cycles of the one port": -max(0, through_port),
        "in pcsim all bytes share the port's width, which is not enough": max(
            0, -(-moved_bytes // port) - alone
        ),
    }


def energy_terms(array: Systolic, sizes: Sizes, prices: PriceList) -> dict[str, float]:
    """What has to be added to ZigZag's pJ for multiply-accumulates and SRAM to get ours, by cause."""
    read_j = prices.prices["sram", "read_byte"].joules
    partial = folds_of(array, sizes)[0] > 1
    first = sizes.m * sizes.n * WORD_BITS // 8 if partial else 0
    return {"ZigZag reads partial sums before the first fold, too": -first * read_j * 1e12}


def compared(name: str, chip: Hardware, array: Systolic, prices: PriceList, sizes: Sizes) -> bool:
    """Print one product of both models; whether all differences have a cause."""
    ours = form_of(array).product(
        Product(sizes.m, sizes.n, sizes.k, PRODUCTS[KINDS[name]]), array, chip
    )
    theirs = zigzag(chip, array, prices, sizes)
    print(f"\n{name}: {sizes.m} x {sizes.k} by {sizes.k} x {sizes.n}")
    moved = sum(amount for component, _, amount in ours.actions if component == "sram")
    terms = cycle_terms(chip, array, sizes, moved)
    left = _rows("cycles", theirs.latency_total2, terms, ours.cycles)
    joules = {
        f"{component}.{action}": amount * prices.prices[component, action].joules * 1e12
        for component, action, amount in ours.actions
    }
    both = sum(joules.pop(key) for key in ("array.mac", "sram.read_byte", "sram.write_byte"))
    more = _rows("pJ", theirs.energy_total, energy_terms(array, sizes, prices), both)
    for key, amount in joules.items():
        print(f"  {amount:16,.0f}  {key}: not in ZigZag")
    return abs(left) < 0.5 and abs(more) < 1e-6 * both


def _rows(unit: str, theirs: float, terms: dict[str, int] | dict[str, float], ours: float) -> float:
    left = ours - theirs - sum(terms.values())
    print(f"  {theirs:16,.0f}  {unit}, ZigZag")
    for cause, amount in terms.items():
        print(f"  {amount:+16,.0f}  {cause}")
    print(f"  {left:+16,.0f}  unexplained")
    print(f"  {ours:16,.0f}  {unit}, pcsim")
    return left


def main() -> int:
    logging.disable(logging.CRITICAL)  # ZigZag tells much.
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--inputs", type=int, default=128)
    parser.add_argument("--outputs", type=int, default=128)
    parser.add_argument("--chip", default="tile64")
    given = parser.parse_args()
    chip = load_hardware(given.chip)
    array = chip.tiles.compute
    if not isinstance(array, Systolic) or array.dataflow != "ws":
        parser.error("--chip must be one of weight-stationary arrays")
    side = max(array.rows, array.cols)
    for name in ("batch", "inputs", "outputs"):
        if getattr(given, name) % side or getattr(given, name) < side:
            parser.error(
                f"--{name} must be a multiple of {side}: ZigZag averages over partial folds"
            )
    words = given.batch * (given.inputs + given.outputs) + given.inputs * given.outputs
    if chip.tiles.sram.size_bytes is None or words * WORD_BITS // 8 > chip.tiles.sram.size_bytes:
        parser.error(f"the operands must fit into the memory of one tile of {chip.name}")
    prices = price_list(chip)
    explained = [
        compared(
            name, chip, array, prices, sizes_of(name, given.batch, given.inputs, given.outputs)
        )
        for name in KINDS
    ]
    return 0 if all(explained) else 1


if __name__ == "__main__":
    sys.exit(main())
