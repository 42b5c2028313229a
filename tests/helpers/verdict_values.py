"""A tiny verdict made by hand, for the tests of verdict and report.

Energies are sums of small powers of two, so that every expectation below is exact. PC's update
takes 4.5 J and 1000 cycles, BP's 3 J and 800 cycles, at 500 MHz and 64 samples a batch: the energy
ratio is 1.5, the latency ratio 1.25.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pcsim.config import Candidate, Hardware, Numerics, Workload
from pcsim.engine.training import Profile, SeedCurve, Training
from pcsim.machine.activity import Activity, Count, UnitTime
from pcsim.technology import Area, Bill, BillLine, Leak, Price, PriceList
from pcsim.verdict import LayerPlace, Result, Verdict, bound_of, cost_of, judge, to_target

CLOCK_HZ = 500_000_000
BATCH = 64

HARDWARE: dict[str, Any] = {
    "schema": "pcsim/hardware/1",
    "name": "tiny-chip",
    "clock": "500 MHz",
    "technology": "horowitz-45nm",
    "tiles": {
        "mesh": [2, 2],
        "compute": {
            "kind": "systolic",
            "rows": 16,
            "cols": 16,
            "dataflow": "ws",
            "transposable": True,
        },
        "vector": {"lanes": 16, "latency": "4 cycles"},
        "update": {"lanes": 8, "latency": "4 cycles"},
        "sram": {"size": "128 KiB", "banks": 4, "port": "32 B/cycle", "cell": "lstp"},
        "dma": {"setup": "20 cycles"},
        "formats": dict.fromkeys(("weight", "state", "error", "accumulate", "optimiser"), "fp32"),
    },
    "noc": {
        "topology": "mesh",
        "link": "32 B/cycle",
        "router_latency": "1 cycle",
        "link_latency": "1 cycle",
        "hop_length": "2 mm",
    },
    "dram": {
        "kind": "lpddr4",
        "channels": 1,
        "capacity": "1 GiB",
        "bandwidth": "25.6 GB/s",
        "latency": "60 ns",
    },
}
WORKLOAD: dict[str, Any] = {
    "schema": "pcsim/workload/1",
    "name": "tiny-net",
    "network": {"layers": [64, 16, 10], "activation": "relu", "parameterisation": "sp"},
    "data": {"dataset": "digits", "train": 1000, "validation": 300, "test": 400, "normalise": True},
    "training": {
        "batch": BATCH,
        "epochs": 4,
        "loss": "mse",
        "seeds": 3,
        "target_accuracy": 0.9,
        "evaluate_every": 10,
    },
    "pc": {
        "steps": 3,
        "rate": 0.3,
        "order": "jacobi",
        "optimiser": {"kind": "sgd", "rate": 0.1},
    },
    "bp": {"schedule": "sequential", "optimiser": {"kind": "sgd", "rate": 0.1}},
}


class Learning(tuple[float, ...]):
    """Validation accuracies, one every ``every`` updates, the first before any."""

    every: int

    def __new__(cls, every: int, accuracies: Sequence[float]) -> Learning:
        made = super().__new__(cls, accuracies)
        made.every = every
        return made


RISE = (0.616, 0.712, 0.808, 0.904, 1.0, 1.0, 0.95)
"""A straight line up to the fifth evaluation, so that averaging it over any window changes nothing: on it
0.8 lies 1.91667 and 0.9 lies 2.95833 evaluations from the start."""

FAST, SLOW, NEVER = Learning(10, RISE), Learning(20, RISE), Learning(10, (0.1,) * 13)
FAST_UPDATES, SLOW_UPDATES = 24.375, 48.75
"""To the target 0.9: the mean of ten levels equally spaced on the line, (19.1667 + 29.5833) / 2, and twice
that."""

FAST_AT_TARGET, SLOW_AT_TARGET = 355 / 12, 355 / 6
"""At the target itself."""

SPACING = (0.1**2 + 0.9**2) ** 0.5 * 10 / 12**0.5
"""What the spacing of the evaluations leaves of FAST: one level in one gap, nine in the next."""

UPDATES = 120


def hardware() -> Hardware:
    return Hardware.model_validate(HARDWARE)


def workload() -> Workload:
    return Workload.model_validate(WORKLOAD)


def candidate(rule: str) -> Candidate:
    settings = workload()
    pc = rule == "pc"
    return Candidate(
        id="pc-jacobi" if pc else "bp-sequential",
        rule="pc" if pc else "bp",
        order="jacobi" if pc else None,
        schedule="sequential",
        numerics=Numerics(hardware().tiles.formats),
        steps=3 if pc else 0,
        rate=0.3 if pc else None,
        wavefront=True,
        hoist=True,
        optimiser=settings.pc.optimiser if pc else settings.bp.optimiser,
    )


def curve(seed: int, accuracy: Sequence[float], *, diverged_at: int | None = None) -> SeedCurve:
    """A curve evaluated every 10 updates, unless ``accuracy`` says otherwise, the first time before any;
    its loss is what accuracy lacks."""
    loss = tuple(1 - value for value in accuracy)
    every = accuracy.every if isinstance(accuracy, Learning) else 10
    updates = tuple(range(0, every * len(accuracy), every))
    return SeedCurve(seed, updates, tuple(accuracy), loss, loss, accuracy[-1], diverged_at)


def training(
    rule: str, curves: Sequence[SeedCurve], *, credited: tuple[int, ...] = (1, 2)
) -> Training:
    steps = 3 if rule == "pc" else 0
    profile = Profile(steps, BATCH, ((1, 1),) * (steps + 1), ((1, 1),) * (steps + 1), credited)
    return Training(rule, BATCH, UPDATES, tuple(curves), profile)


def line(
    component: str, action: str, joules: float, *, layer: int | None = 1, count: int = 1024
) -> BillLine:
    stage = "static" if layer is None else "forward"
    return BillLine(component, action, layer, stage, count, joules / count, joules, "read", "PAPER")


def bill_of(rule: str) -> Bill:
    """PC: 2 J + 1 J in arrays, 0.5 J in SRAM, 0.75 J leakage, 0.25 J standby. BP: 1.5 + 0.5, 0.25,
    0.5, 0.25."""
    first, second, sram, leakage, standby = {
        "pc": (2.0, 1.0, 0.5, 0.75, 0.25),
        "bp": (1.5, 0.5, 0.25, 0.5, 0.25),
    }[rule]
    return Bill(
        (
            line("array", "mac", first),
            line("array", "mac", second, layer=2),
            line("sram", "read_byte", sram),
            line("leakage", "array", leakage, layer=None),
            line("dram_standby", "dram_standby", standby, layer=None),
        )
    )


def activity_of(rule: str) -> Activity:
    """Two arrays and a vector unit: array 0 works 60 % of the makespan, array 1 20 %."""
    makespan = 1000 if rule == "pc" else 800
    tenth = makespan // 10
    units = (
        UnitTime(
            "tile[0,0].array", "array", 0, 6 * tenth, {"noc": tenth, "vector": 2 * tenth}, tenth
        ),
        UnitTime("tile[0,1].array", "array", 1, 2 * tenth, {"noc": 5 * tenth}, 3 * tenth),
        UnitTime("tile[0,0].vector", "vector", 0, tenth, {"array": 9 * tenth}, 0),
    )
    macs = 2048 if rule == "pc" else 1024
    counts = {
        Count("array", "mac", 1, "forward"): macs // 2,
        Count("array", "mac", 2, "forward"): macs // 2,
        Count("sram", "read_byte", 1, "forward"): 4096,
        Count("noc", "link_byte", 2, "inference"): 512,
    }
    return Activity(
        makespan_cycles=makespan,
        counts=counts,
        units=units,
        link_bytes={(0, 1): 512, (1, 0): 256},
        peak_bytes={0: 4000, 1: 3000},
        noc_bytes=768,
        dram_bytes=0,
        sram_bytes=4096,
        macs=macs,
        array_cells=1024,
    )


def result(
    rule: str, accuracies: Sequence[Sequence[float]], *, credited: tuple[int, ...] = (1, 2)
) -> Result:
    """One candidate; ``accuracies`` are the validation curves of seeds 0, 1, ..."""
    activity, bill = activity_of(rule), bill_of(rule)
    trained = training(
        rule,
        [curve(seed, accuracy) for seed, accuracy in enumerate(accuracies)],
        credited=credited,
    )
    cost = cost_of(activity, bill, clock_hz=CLOCK_HZ, cycles_cold=activity.makespan_cycles + 100)
    return Result(
        candidate=candidate(rule),
        training=trained,
        per_update=cost,
        per_inference=cost_of(activity, bill, clock_hz=CLOCK_HZ, cycles_cold=None),
        to_target=to_target(trained, cost, target=0.9),
        activity=activity,
        bill=bill,
        bound=bound_of(activity),
        places=(LayerPlace(1, 64, 16, 2, 1, (0, 1)), LayerPlace(2, 16, 10, 1, 1, (3,))),
    )


def price(component: str, action: str, *, status: str = "read", source: str = "a paper") -> Price:
    return Price(component, action, 4e-12, "mac", status, 2e-12, 8e-12, source, "a note", "PAPER")


def prices() -> PriceList:
    """SRAM reads and the leakage of arrays are assumed, and so is a price that nobody pays."""
    paid = (
        price("array", "mac"),
        price("sram", "read_byte", status="assumed"),
        price("dram", "read_byte", status="assumed"),
    )
    leaks = tuple(
        Leak(block, 0.02, 0.01, 0.04, status, "a thesis", "", 64, "PE", "THESIS")
        for block, status in (("array", "assumed"), ("dram_standby", "read"))
    )
    areas = (
        Area("array", 1.5, 1.0, 2.0, "read", "a paper", "", 64, "PE", "PAPER"),
        Area("dma", 0.5, 0.25, 1.0, "assumed", "judgement", "", 4, "engine", "OWN"),
    )
    return PriceList(
        "horowitz-45nm", {(item.component, item.action): item for item in paid}, leaks, areas
    )


def verdict(
    pc: Sequence[Sequence[float]] = (FAST, SLOW),
    bp: Sequence[Sequence[float]] = (SLOW, SLOW),
    *,
    rules: Sequence[str] = ("pc", "bp"),
) -> Verdict:
    """The verdict on both rules; ``pc`` and ``bp`` are their validation curves by seed."""
    curves = {"pc": pc, "bp": bp}
    return judge(
        hardware(),
        workload(),
        seeds=tuple(range(len(pc))),
        results=[result(rule, curves[rule]) for rule in rules],
        prices=prices(),
        energy_range=(1.25, 2.0) if len(rules) == 2 else None,
    )
