"""How does each rule bear narrow numbers? Trains the workload mlp128 in one row of formats after the other.

Prints the test accuracy in percent, a mean over the seeds. Columns: backpropagation, predictive coding with few
large steps and with many small ones. A row names what is not fp32: weights, states (inputs, predictions and
targets are in their format too), errors, sums of products and gradients, moments. "No layer idle": those that
the output's error has not reached are computed again all the same. Trainings are kept like those of a run.

    python benchmarks/precision.py [seeds] [epochs]
"""

from __future__ import annotations

import sys
from dataclasses import replace

from pcsim.config import Analog, Candidate, Formats, Numerics, candidates, load_both
from pcsim.engine import train_all

RULES: dict[str, tuple[int, float] | None] = {
    "bp": None,
    "pc 3 x 0.3": (3, 0.3),
    "pc 20 x 0.1": (20, 0.1),
}
KINDS = ("weight", "state", "error", "accumulate", "optimiser")
SR = " stochastic"
EVERY = ", no layer idle"
NARROW = ("bf16", f"bf16{SR}", "fp16", "q4.12", "fp8_e4m3", f"fp8_e4m3{SR}", "int8", "bfp8/16")


def formats(**words: str) -> Numerics:
    """Everything fp32 but what is named."""
    return Numerics(Formats.model_validate(dict.fromkeys(KINDS, "fp32") | words))


def stored(word: str, **others: str) -> Numerics:
    """Weights, states, errors and moments in one format; sums in fp32."""
    words = dict.fromkeys(("weight", "state", "error", "optimiser"), word)
    return formats(**words | others)


def crossbars(**errors: float) -> Numerics:
    """Analog cells, written anew from fp32 after each step, with 8-bit converters."""
    quiet = {"read_noise": 0.0, "write_noise": 0.0, "mismatch": 0.0, "adc_bits": 8}
    return replace(formats(master="fp32"), analog=Analog.model_validate(quiet | errors))


ROWS = {
    "nothing": formats(),
    **{f"states {word}": formats(state=word) for word in NARROW},
    f"states bf16{SR}{EVERY}": formats(state=f"bf16{SR}"),
    f"states fp8_e4m3{SR}{EVERY}": formats(state=f"fp8_e4m3{SR}"),
    "errors bf16": formats(error="bf16"),
    "errors fp8_e5m2": formats(error="fp8_e5m2"),
    "weights bf16": formats(weight="bf16"),
    f"weights bf16{SR}": formats(weight=f"bf16{SR}"),
    "weights bf16, master fp32": formats(weight="bf16", master="fp32"),
    "moments bf16": formats(optimiser="bf16"),
    "sums bf16": formats(accumulate="bf16"),
    **{f"all but sums {word}": stored(word) for word in ("bf16", f"bf16{SR}", "fp16")},
    "all but sums and moments fp16": stored("fp16", optimiser="fp32"),
    "int8_pow2, sums int32, master fp32": formats(
        weight="int8_pow2", state="int8_pow2", error="int8_pow2", accumulate="int32", master="fp32"
    ),
    "crossbars": crossbars(),
    "crossbars, read noise 0.01": crossbars(read_noise=0.01),
    "crossbars, write noise 0.01": crossbars(write_noise=0.01),
    "crossbars, mismatch 0.01": crossbars(mismatch=0.01),
}


def columns(label: str, pc: Candidate, bp: Candidate) -> list[Candidate]:
    """One candidate for each of ``RULES``, in the formats of the row ``label``."""
    numerics, wavefront = ROWS[label], not label.endswith(EVERY)
    found = []
    for name, settings in RULES.items():
        of_rule = replace(bp, id=name, numerics=numerics)
        if settings:
            steps, rate = settings
            of_rule = replace(pc, id=name, numerics=numerics, steps=steps, rate=rate)
            of_rule = replace(of_rule, wavefront=wavefront)
        found.append(of_rule)
    return found


def main() -> None:
    given = [int(word) for word in sys.argv[1:]]
    seeds, epochs = given + [1, 10][len(given) :]
    settings = [f"training.seeds={seeds}", f"training.epochs={epochs}"]
    hardware, workload = load_both("tile64", "mlp128", overrides=settings)
    pc, bp = candidates(hardware, workload)
    print(f"{'test accuracy %':42}" + "".join(f"{rule:>13}" for rule in RULES))
    for label in ROWS:
        trained = train_all(workload, columns(label, pc, bp)).values()
        means = [
            100 * sum(c.test_accuracy for c in found.curves) / len(found.curves)
            for found in trained
        ]
        print(f"{label:42}" + "".join(f"{mean:13.1f}" for mean in means), flush=True)


if __name__ == "__main__":
    main()
