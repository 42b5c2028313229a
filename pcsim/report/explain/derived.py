"""How do numbers follow from others: each with its formula and the numbers put in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pcsim.machine.units import form_of
from pcsim.report.explain.text import by_rule, columns, wrapped
from pcsim.report.stored import StoredRun, StoredUnitTime
from pcsim.technology.actions import MAC_ACTIONS
from pcsim.units import format_quantity
from pcsim.verdict import COMPONENT_NAMES, component_name, factor, percent, wait_name
from pcsim.verdict.rows import challenger_name, comparison_rows

Result = Mapping[str, Any]


def _each(run: StoredRun, title: str, tell: Callable[[Result], str]) -> list[str]:
    """A title, and a line per candidate."""
    return [title, *columns([(name, tell(result)) for name, result in by_rule(run)], left=2)]


def cycles(run: StoredRun) -> list[str]:
    """The period, how units spent it, and what arrays waited for."""
    said = [
        "cycles of one update: from a drained chip to a drained chip, as simulated, with weights and",
        "the batch on the chip already",
    ]
    for name, result in by_rule(run):
        makespan, bound = result["per_update"]["cycles"], result["bound_by"]
        said += ["", f"{name}: {makespan:,} cycles", *_units(run, result["id"], makespan)]
        waits = [
            f"{percent(share)} for {wait_name(kind)}"
            for kind, share in bound["array_waits"].items()
            if share
        ]
        said.append(
            f"  busiest unit: {bound['busiest']}, {percent(bound['busy_share'])} of the time"
        )
        if waits:
            said += wrapped(f"arrays with work waited {', '.join(waits)}")
    return said


def _units(run: StoredRun, candidate: str, makespan: int) -> list[str]:
    """Mean share of the makespan that units of each kind were busy, stalled and finished."""
    kinds: dict[str, list[StoredUnitTime]] = {}
    for unit in run.units:
        if unit.candidate == candidate:
            kinds.setdefault(unit.kind, []).append(unit)
    rows = [("units", "number", "busy", "stalled", "finished")]
    for kind, units in kinds.items():
        total = len(units) * makespan
        busy = sum(unit.busy_cycles for unit in units)
        finished = sum(unit.finished_cycles for unit in units)
        shares = (busy, total - busy - finished, finished)
        cells = [f"{100 * share / total:.1f} %" for share in shares]
        rows.append((component_name(kind), str(len(units)), cells[0], cells[1], cells[2]))
    return columns(rows)


def cycles_cold(run: StoredRun) -> list[str]:
    return _each(
        run,
        "cycles_cold: one update from an empty chip; weights and the first batch come from DRAM",
        lambda result: (
            f"{result['per_update']['cycles_cold']:,} cycles, "
            f"{result['per_update']['cycles_cold'] - result['per_update']['cycles']:,} more than warm"
        ),
    )


def latency(run: StoredRun) -> list[str]:
    clock_hz = run.summary["chip"]["clock_hz"]
    return _each(
        run,
        "latency of one update = cycles / clock",
        lambda result: (
            f"{result['per_update']['cycles']:,} / {format_quantity(clock_hz, 'Hz')} "
            f"= {format_quantity(result['per_update']['latency_s'], 's', digits=4)}"
        ),
    )


def macs(run: StoredRun) -> list[str]:
    """Multiply-accumulates by layer and stage."""
    said = ["macs of one update: multiply-accumulates by the arrays, counted in energy.csv"]
    for name, result in by_rule(run):
        mine = [
            line
            for line in run.lines
            if line.component == "array"
            and line.action in MAC_ACTIONS
            and line.candidate == result["id"]
        ]
        rows = [("layer", "stage", "macs")]
        rows += [(str(line.layer), line.stage, f"{line.count:,}") for line in mine]
        done = result["per_update"]["macs"]
        if in_cells := done - sum(line.count for line in mine):
            rows.append(("all", "in analog cells", f"{in_cells:,}"))
        rows.append(("all", "", f"{done:,}"))
        said += ["", f"{name}: {result['per_update']['macs']:,}", *columns(rows, left=2)]
    return said


def utilization(run: StoredRun) -> list[str]:
    chip = run.summary["chip"]
    most = "multiply-accumulates a cycle"
    if run.hardware is not None:
        compute = run.hardware.tiles.compute
        peak = run.hardware.tiles.compute_units * form_of(compute).peak(compute, run.hardware)
        most = f"({chip['tiles']} tiles x {float(peak):,.6g} MACs a cycle)"
    return _each(
        run,
        "utilization = macs / (what all compute units make in a cycle while fully busy x cycles)",
        lambda result: (
            f"{result['per_update']['macs']:,} / {most} / {result['per_update']['cycles']:,} cycles "
            f"= {100 * result['per_update']['utilization']:.4g} %; {result['tiles_used']} tiles have work"
        ),
    )


def energy_per_mac(run: StoredRun) -> list[str]:
    def tell(result: Result) -> str:
        cost = result["per_update"]
        if not cost["macs"]:
            return "nothing was multiplied"
        return (
            f"{_joules(cost['energy_j'])} / {cost['macs']:,} "
            f"= {format_quantity(cost['energy_per_mac_j'], 'J', digits=4)}"
        )

    return _each(run, "energy_per_mac = energy of one update / macs", tell)


def energy_delay(run: StoredRun) -> list[str]:
    return _each(
        run,
        "edp, the energy-delay product of one update = energy x latency",
        lambda result: (
            f"{_joules(result['per_update']['energy_j'])} x "
            f"{format_quantity(result['per_update']['latency_s'], 's', digits=4)} "
            f"= {format_quantity(result['per_update']['edp_js'], 'J·s', digits=4)}"
        ),
    )


def moved(run: StoredRun, memory: str) -> list[str]:
    """Bytes of one update, by action."""
    title = {
        "sram": "bytes.sram: read and written in the tiles' memories in one update",
        "noc": "bytes.noc: delivered from tile to tile in one update, each copy of a multicast counted",
        "dram": "bytes.dram: read and written in DRAM in one update",
        "buffer": "bytes.buffer: read and written in the global buffer in one update",
    }[memory]
    return _each(run, title, lambda result: f"{result['per_update']['bytes'][memory]:,} B")


def accuracy(run: StoredRun) -> list[str]:
    seeds = ", ".join(str(seed) for seed in run.summary["seeds"])
    return _each(
        run,
        f"accuracy on the test images, read once, after training; mean over the seeds {seeds}",
        lambda result: (
            f"({' + '.join(percent(value) for value in result['accuracy']['per_seed'])}) "
            f"/ {len(result['accuracy']['per_seed'])} = {percent(result['accuracy']['mean'])}"
        ),
    )


def credit_depth(run: StoredRun) -> list[str]:
    """How many layers learn, and what each layer's gradient is worth."""
    said = _each(
        run,
        "credit_depth: layers whose weight gradient is above the noise of rounding, on one batch after training",
        lambda result: f"{result['credit_depth']} of {result['depth']}",
    )
    for name, result in by_rule(run):
        layers = result.get("credit") or []
        if not layers:
            continue
        rows = [("layer", "norm of gradient", "cosine with float64's", "credit")]
        for layer in layers:
            norm, cosine = layer["norm"], layer["cosine"]
            rows.append(
                (
                    str(layer["layer"]),
                    "not finite" if norm is None else f"{norm:.3g}",
                    "" if cosine is None else f"{cosine:.4f}",
                    f"none: {layer['reason']}" if layer["reason"] else "yes",
                )
            )
        said += ["", f"{name}:", *columns(rows, left=1)]
    return said


def inference_steps(run: StoredRun) -> list[str]:
    return _each(
        run,
        "inference_steps: steps that training executed per batch; backpropagation has none",
        lambda result: str(result["inference_steps"]),
    )


def peak_sram(run: StoredRun) -> list[str]:
    size = run.hardware.tiles.sram.size_bytes if run.hardware else None
    capacity = f" of {format_quantity(size, 'B')}" if size else ""
    return _each(
        run,
        "peak_sram: most bytes that one tile keeps at a time",
        lambda result: f"{format_quantity(result['peak_sram_bytes'], 'B', digits=4)}{capacity}",
    )


def peak_buffer(run: StoredRun) -> list[str]:
    return _each(
        run,
        "peak_buffer: bytes that the global buffer keeps; 0 where there is none or it is not used",
        lambda result: format_quantity(result.get("peak_buffer_bytes", 0), "B", digits=4),
    )


def to_target(run: StoredRun) -> list[str]:
    """Updates of every seed, and what they come to."""
    found = run.results[0]["to_target"]
    said = wrapped(
        f"to_target: {found.get('definition', 'by the definition of an earlier version')}; the target is "
        f"{percent(found['target'])}; energy = updates x energy of one update, time = updates x latency; "
        "means over the seeds, none unless every seed got there",
        indent="",
    )
    for name, result in by_rule(run):
        found = result["to_target"]
        rows = [("seed", "updates", "samples", "time", "energy")]
        for label, row in (
            *((str(seed["seed"]), seed) for seed in found["per_seed"]),
            ("mean", found),
        ):
            if row["updates"] is None:
                rows.append((label, "not reached", "", "", ""))
                continue
            rows.append(
                (
                    label,
                    f"{row['updates']:,.4g}",
                    f"{row['samples']:,.0f}",
                    format_quantity(row["time_s"], "s", digits=4),
                    _joules(row["energy_j"]),
                )
            )
        one = _joules(result["per_update"]["energy_j"])
        said += ["", f"{name}, at {one} an update:", *columns(rows)]
    return said


PLAIN_RATIOS = {
    "macs": "macs",
    "cycles": "cycles",
    "latency_s": "latency",
    "energy_j": "energy",
    "static_energy_j": "static energy",
    "edp_js": "energy-delay product",
    "utilization": "utilization",
}
ESTIMATES = {
    "energy_to_target": "energy to target, {} over BP = ratio of energies per update / sample_advantage",
    "time_to_target": "time to target, {} over BP = ratio of latencies per update / sample_advantage",
    "sample_advantage": "samples to target, BP over {0}; above 1 {0} needs fewer",
}


def ratios(run: StoredRun) -> list[str]:
    """All rows of the comparison."""
    if not run.summary["ratios"]:
        return ["ratios: none, because only one rule ran"]
    challenger = challenger_name(run.summary)
    rows = [("", *(name for name, _ in by_rule(run)), f"{challenger} / BP")]
    rows += [(row.label, *row.cells, row.ratio) for row in comparison_rows(run.summary)]
    return [f"ratios: {challenger} over BP; above 1 {challenger} needs more", *columns(rows)]


def ratio(run: StoredRun, name: str) -> list[str]:
    """One ratio of numbers of one update."""
    found = run.summary["ratios"]
    values = {result["id"]: result["per_update"][name] for result in run.results}
    pc, bp = values[found["pc"]], values[found["bp"]]
    if found[name] is None:
        return [f"ratio of {PLAIN_RATIOS[name]}: none, because BP's is 0"]
    said = [
        f"ratio of {PLAIN_RATIOS[name]} of one update, {challenger_name(run.summary)} over BP",
        f"  {_shown(pc, name)} / {_shown(bp, name)} = {factor(found[name])}",
    ]
    if name == "energy_j" and found["energy_j_range"] is not None:
        low, high = found["energy_j_range"]
        said.append(
            f"  {factor(low)} to {factor(high)} over the ranges of the assumed costs, the same in both"
        )
    return said


def estimate(run: StoredRun, name: str) -> list[str]:
    """One ratio that is measured on paired seeds."""
    found = run.summary["ratios"][name]
    about = ESTIMATES[name].format(challenger_name(run.summary))
    if found is None:
        return [about, "  none, because not every seed of both rules reached the target"]
    seeds = zip(run.summary["seeds"], found["per_seed"], strict=True)
    said = [about, *columns([(f"seed {seed}", factor(value)) for seed, value in seeds])]
    if found["low"] is None:
        return [*said, f"  = {factor(found['value'])}; one seed gives no interval"]
    return [
        *said,
        f"  geometric mean {factor(found['value'])}, 95 % interval {factor(found['low'])} to "
        f"{factor(found['high'])} (Student's t of the logarithms)",
    ]


def inference(run: StoredRun) -> list[str]:
    """The feed-forward pass of one batch."""
    costs = [result["per_inference"] for result in run.results]
    rows = [("", *(name for name, _ in by_rule(run)))]
    rows += [
        ("macs", *(f"{cost['macs']:,}" for cost in costs)),
        ("cycles", *(f"{cost['cycles']:,}" for cost in costs)),
        ("latency", *(format_quantity(cost["latency_s"], "s", digits=4) for cost in costs)),
        ("energy", *(_joules(cost["energy_j"]) for cost in costs)),
    ]
    used = {part for cost in costs for part in cost["energy_by_component_j"]}
    for part in (name for name in COMPONENT_NAMES if name in used):
        spent = (cost["energy_by_component_j"].get(part, 0.0) for cost in costs)
        rows.append((f"energy in {component_name(part)}", *map(_joules, spent)))
    return [
        "inference: the feed-forward pass of one batch, which both rules end with",
        *columns(rows),
    ]


def _joules(value: float) -> str:
    return format_quantity(value, "J", digits=4)


def _shown(value: float, name: str) -> str:
    unit = {"latency_s": "s", "energy_j": "J", "static_energy_j": "J", "edp_js": "J·s"}.get(name)
    if unit:
        return format_quantity(value, unit, digits=4)
    return f"{100 * value:.4g} %" if name == "utilization" else f"{value:,}"
