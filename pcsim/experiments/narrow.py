"""Which number formats and analog cells does the experiment ``precision`` try?"""

from __future__ import annotations

from dataclasses import replace

from pcsim.config import Analog, Formats, Numerics
from pcsim.formats import STOCHASTIC

KINDS = ("weight", "state", "error", "accumulate", "optimiser")
SR = f" {STOCHASTIC}"
EVERY = ", no layer idle"
"""Ends a row in which layers step that no error has reached, which stochastic rounding gives errors of its own."""
STATES = ("bf16", f"bf16{SR}", "fp16", "q4.12", "fp8_e4m3", f"fp8_e4m3{SR}", "int8", "bfp8/16")
ERRORS = ("bf16", "fp8_e5m2", "fp8_e4m3")
WEIGHTS = ("bf16", f"bf16{SR}", "fp8_e4m3", f"fp8_e4m3{SR}")


def formats(**words: str) -> Numerics:
    """Everything fp32 but what is named."""
    return Numerics(Formats.model_validate(dict.fromkeys(KINDS, "fp32") | words))


def stored(word: str, **others: str) -> Numerics:
    """Weights, states, errors and moments in one format; sums in fp32."""
    words = dict.fromkeys(("weight", "state", "error", "optimiser"), word)
    return formats(**words | others)


def crossbars(**errors: float) -> Numerics:
    """Analog cells, written anew from fp32 after each step of the weights; converters of 8 bits unless named."""
    quiet = {"read_noise": 0.0, "write_noise": 0.0, "mismatch": 0.0, "adc_bits": 8}
    return replace(formats(master="fp32"), analog=Analog.model_validate(quiet | errors))


ROWS = {
    "nothing": formats(),
    **{f"states {word}": formats(state=word) for word in STATES},
    **{f"states {word}{SR}{EVERY}": formats(state=f"{word}{SR}") for word in ("bf16", "fp8_e4m3")},
    **{f"errors {word}": formats(error=word) for word in ERRORS},
    **{f"weights {word}": formats(weight=word) for word in WEIGHTS},
    "weights fp8_e4m3, master fp32": formats(weight="fp8_e4m3", master="fp32"),
    "moments bf16": formats(optimiser="bf16"),
    "sums bf16": formats(accumulate="bf16"),
    **{f"all but sums {word}": stored(word) for word in ("bf16", f"bf16{SR}", "fp16")},
    "all but sums and moments fp16": stored("fp16", optimiser="fp32"),
    "int8_pow2, sums int32, master fp32": formats(
        weight="int8_pow2", state="int8_pow2", error="int8_pow2", accumulate="int32", master="fp32"
    ),
    **{f"crossbars, ADC of {bits} bits": crossbars(adc_bits=bits) for bits in (8, 6, 4)},
    **{
        f"crossbars, {error.replace('_', ' ')} {size:g}": crossbars(**{error: size})
        for error in ("read_noise", "write_noise", "mismatch")
        for size in (0.01, 0.1)
    },
}
"""By what a row says is not fp32."""

CELLS = {
    f"{error.replace('_', ' ')} {size:g}": crossbars(**{error: size}, adc_bits=16)
    for error in ("read_noise", "mismatch")
    for size in (0.01, 0.1)
}
"""Errors of cells alone, with converters that add none."""
