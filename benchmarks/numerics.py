"""What does rounding to a narrow format cost, against copying the same numbers?

Prints nanoseconds per element of a hot array, on one thread, and the ratio to a float32 copy timed in the
same run; then the time of a product with a narrow accumulator and of integers against BLAS's.

    python benchmarks/numerics.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from threadpoolctl import threadpool_limits

from pcsim.compiled.jit import jit
from pcsim.engine.numerics import parse_format
from pcsim.engine.numerics.coding import code_of
from pcsim.engine.numerics.products import integer_product, narrow_product
from pcsim.engine.numerics.quantise import quantise
from pcsim.engine.numerics.random_bits import add_normals, stream_key

COUNT, COLUMNS, ROUNDS, CALLS = 16_384, 64, 40, 20
NAMES = ("bf16", "fp16", "fp8_e4m3", "fp8_e5m2", "q4.12", "int8", "int8_pow2", "bfp8/16")
ROWS, INNER = 128, 128


@jit
def copy(values, out):
    for i in range(values.size):
        out[i] = values[i]


def best_ns(call: Callable[[], object], *, per: int) -> float:
    """The fastest of several timings of ``call``, in nanoseconds for each of ``per``."""
    call()
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for _ in range(CALLS):
            call()
        times.append(time.perf_counter() - start)
    return min(times) / CALLS / per * 1e9


def quantisers(reference_ns: float) -> None:
    random = np.random.default_rng(0)
    print(f"{'format':22}{'float32':>9}{'ratio':>7}{'float64':>9}{'ratio':>7}   ns per element")
    cases = [(f"{name}{how}", 1) for how in ("", " stochastic") for name in NAMES]
    cases += [(f"bfp8/16{how}", COLUMNS) for how in ("", " stochastic")]
    for text, stride in cases:
        label = text if stride == 1 else f"{text}, rows"
        line = f"{label:22}"
        for dtype in ("float32", "float64"):
            values = random.normal(size=COUNT).astype(dtype)
            code, key = code_of(parse_format(text), dtype), stream_key(0, 0, 0)
            ns = best_ns(
                lambda v=values, c=code, k=key, s=stride: quantise(v, c, k, 0, s), per=COUNT
            )
            line += f"{ns:9.2f}{ns / reference_ns:7.1f}"
        print(line)
    values = random.normal(size=COUNT).astype(np.float32)
    ns = best_ns(lambda: add_normals(values, 1e-9, stream_key(0, 0, 0), 0), per=COUNT)
    print(f"{'normal noise':22}{ns:9.2f}{ns / reference_ns:7.1f}")


def products() -> None:
    random = np.random.default_rng(0)
    a = random.normal(size=(ROWS, INNER)).astype(np.float32)
    b = random.normal(size=(INNER, COLUMNS)).astype(np.float32)
    out = np.empty((ROWS, COLUMNS), np.float32)
    terms = ROWS * INNER * COLUMNS
    blas = best_ns(lambda: np.dot(a, b, out=out), per=terms)
    print(f"\n{'product':34}{'ns/MAC':>9}{'ratio':>8}   {ROWS} x {INNER} by {INNER} x {COLUMNS}")
    print(f"{'float32, BLAS':34}{blas:9.4f}{1:8.1f}")
    code, key = code_of(parse_format("bf16"), "float32"), stream_key(0, 0, 0)
    for chunk in (1, 16, INNER):
        ns = best_ns(lambda c=chunk: narrow_product(a, b, out, code, key, c), per=terms)
        print(f"{f'bf16 accumulator, every {chunk}':34}{ns:9.4f}{ns / blas:8.1f}")
    whole_a, whole_b = (x.astype(np.int8) for x in (a, b))
    sums = np.empty((ROWS, COLUMNS), np.int32)
    ns = best_ns(lambda: integer_product(whole_a, whole_b, sums), per=terms)
    print(f"{'int8 into int32':34}{ns:9.4f}{ns / blas:8.1f}")


def main() -> None:
    values = np.random.default_rng(0).normal(size=COUNT).astype(np.float32)
    out = np.empty_like(values)
    with threadpool_limits(1, user_api="blas"):
        reference_ns = best_ns(lambda: copy(values, out), per=COUNT)
        print(f"float32 copy {reference_ns:.3f} ns per element, {COUNT} elements")
        quantisers(reference_ns)
        products()


if __name__ == "__main__":
    main()
