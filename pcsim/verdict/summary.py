"""The verdict as one JSON object: schema ``pcsim/summary/1``.

Equal verdicts give equal objects. What is not known is null; there is no NaN or Infinity in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pcsim.config import Hardware
from pcsim.units import rate_number
from pcsim.verdict.assumed import AssumedCost
from pcsim.verdict.best import measure
from pcsim.verdict.comparison import Comparison, EqualEnergy, Estimate, Race, Sample
from pcsim.verdict.interval import mean_or_none
from pcsim.verdict.lever_words import lever_phrase
from pcsim.verdict.lifetime import lifetime_of
from pcsim.verdict.result import Cost, Result, Tried
from pcsim.verdict.to_target import DEFINITION
from pcsim.verdict.tuned import tuning_facts
from pcsim.verdict.values import Lever, Verdict

SCHEMA = "pcsim/summary/1"


def summary(verdict: Verdict) -> dict[str, Any]:
    """Everything a reader of the verdict needs, as JSON values."""
    hardware, workload = verdict.hardware, verdict.workload
    rows, columns = hardware.tiles.mesh
    return {
        "schema": SCHEMA,
        "hardware": hardware.name,
        "workload": workload.name,
        "seeds": list(verdict.seeds),
        "chip": {
            "area_mm2": verdict.area_mm2,
            "area_by_block_mm2": {area.block: area.mm2 for area in verdict.areas or ()},
            "area_sources": {area.block: area.source for area in verdict.areas or ()},
            "tiles": rows * columns,
            "mesh": [rows, columns],
            "clock_hz": rate_number(hardware.clock_hz),
            "technology": hardware.technology,
            "compute": hardware.tiles.compute.kind,
            "transpose": hardware.tiles.compute.how_transposed,
        },
        "network": list(workload.network.widths),
        **_graph(verdict),
        "batch": workload.training.batch,
        "tuning": tuning_facts(workload),
        "results": [_result(result, hardware) for result in verdict.results],
        "ratios": {} if verdict.ratios is None else _ratios(verdict.ratios),
        "warnings": [asdict(warned) for warned in verdict.warnings],
        "levers": [_lever(lever) for lever in verdict.levers],
        "sentences": list(verdict.sentences),
        "assumed": [_assumed(cost) for cost in verdict.assumed],
        "not_modelled": list(verdict.not_modelled),
        "equal_energy": _equal_energy(verdict.equal_energy),
        "tornado": [asdict(swing) for swing in verdict.tornado],
        **(_best(verdict) if verdict.tried else {}),
    }


def _graph(verdict: Verdict) -> dict[str, Any]:
    """Of a network that is no chain of dense layers: the shapes of its values, and what its parts are called."""
    network = verdict.workload.network
    if network.is_chain:
        return {}
    graph = network.graph
    names = [place.name or str(place.layer) for place in verdict.results[0].places]
    return {
        "shapes": [list(graph.input), *(list(node.shape) for node in graph.nodes)],
        "weights": graph.parameter_count,
        "parts": names,
    }


def as_json(value: Mapping[str, Any]) -> str:
    """JSON text with sorted keys, the same bytes for equal values. Refuses NaN and Infinity."""
    return json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n"


def _result(result: Result, hardware: Hardware) -> dict[str, Any]:
    candidate, latency_s = result.candidate, result.per_update.latency_s
    lifetime = lifetime_of(result.activity, result.places, hardware, latency_s=latency_s)
    return {
        "id": candidate.id,
        "rule": candidate.rule,
        "order": candidate.order,
        "schedule": candidate.schedule,
        "micro_batches": candidate.micro_batches,
        "stash": candidate.stash,
        "spread": candidate.spread,
        "numerics": candidate.numerics.words(),
        "optimiser": candidate.optimiser.model_dump(mode="json"),
        "rate": candidate.rate,
        "accuracy": {
            "mean": mean_or_none(result.accuracies),
            "per_seed": list(result.accuracies),
        },
        "diverged_at": [curve.diverged_at for curve in result.training.curves],
        "credit_depth": result.credit_depth,
        "credit": _credit(result),
        "depth": result.depth,
        "inference_steps": result.inference_steps,
        "updates_total": result.training.updates_total,
        "to_target": {
            "definition": DEFINITION,
            **asdict(result.to_target),
            "levels": list(result.to_target.levels),
            "per_seed": [asdict(seed) for seed in result.to_target.per_seed],
        },
        "per_update": _cost(result.per_update),
        "per_inference": _cost(result.per_inference),
        "bound_by": asdict(result.bound),
        "critical_path_cycles": None
        if result.critical_path is None
        else dict(result.critical_path),
        "cell_lifetime": None if lifetime is None else asdict(lifetime),
        "tiles_used": len({tile for place in result.places for tile in place.tiles}),
        "peak_sram_bytes": max(result.activity.peak_bytes.values(), default=0),
        "peak_buffer_bytes": result.activity.peak_buffer_bytes,
    }


def _credit(result: Result) -> list[dict[str, Any]]:
    """Layer by layer, from the input up: the gradient's norm, its cosine with float64's, and why it is no
    credit ("" where it is)."""
    profile = result.training.profile
    return [
        {"layer": layer, "norm": norm, "cosine": cosine, "reason": reason}
        for layer, (norm, cosine, reason) in enumerate(
            zip(
                profile.gradient_norms,
                profile.gradient_cosines,
                profile.credit_reasons,
                strict=True,
            ),
            1,
        )
    ]


def _cost(cost: Cost) -> dict[str, Any]:
    return {**asdict(cost), "energy_per_mac_j": cost.energy_per_mac_j, "edp_js": cost.edp_js}


def _ratios(ratios: Comparison) -> dict[str, Any]:
    """PC over BP; only ``sample_advantage`` and ``break_even`` are BP over PC."""
    advantage = ratios.sample_advantage
    return {
        "pc": ratios.pc,
        "bp": ratios.bp,
        "macs": ratios.macs,
        "cycles": ratios.cycles,
        "latency_s": ratios.latency,
        "energy_j": ratios.energy,
        "energy_j_range": None if ratios.energy_range is None else list(ratios.energy_range),
        "static_energy_j": ratios.static_energy,
        "edp_js": ratios.edp,
        "utilization": ratios.utilization,
        "energy_to_target": _estimate(ratios.energy_to_target),
        "time_to_target": _estimate(ratios.time_to_target),
        "sample_advantage": _estimate(advantage),
        "races": [_race(race) for race in ratios.races],
        "loss_crossing": _estimate(ratios.loss_crossing),
        "curve_area": _estimate(ratios.curve_area),
        "break_even": {
            "sample_advantage_needed": ratios.energy,
            "sample_advantage_measured": None if advantage is None else advantage.value,
        },
    }


def _estimate(estimate: Estimate | None) -> dict[str, Any] | None:
    if estimate is None:
        return None
    return {
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "per_seed": list(estimate.per_seed),
    }


def _lever(lever: Lever) -> dict[str, Any]:
    return {**asdict(lever), "settings": list(lever.settings), "phrase": lever_phrase(lever)}


def _race(race: Race) -> dict[str, Any]:
    return {
        "what": race.what,
        "winner": race.winner,
        "ratio": _estimate(race.ratio),
        "at_least": _estimate(race.at_least),
        "at_most": _estimate(race.at_most),
        "reason": race.reason,
        "more_epochs": race.more_epochs,
        "more_seeds": race.more_seeds,
    }


def _equal_energy(at: EqualEnergy | None) -> dict[str, Any] | None:
    if at is None:
        return None
    return {
        "energy_j": at.energy_j,
        "reason": at.reason,
        "pc": _sample(at.pc),
        "bp": _sample(at.bp),
        "difference": _sample(at.difference),
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return {**asdict(sample), "per_seed": list(sample.per_seed)}


def _best(verdict: Verdict) -> dict[str, Any]:
    """What was tried, the best of each rule first, and by what it was chosen."""
    objective = verdict.workload.objective
    rules = dict.fromkeys(each.candidate.rule for each in verdict.tried)
    by_rule = {
        rule: [each for each in verdict.tried if each.candidate.rule == rule] for rule in rules
    }
    return {
        "objective": objective,
        "best": {
            rule: {
                "id": mine[0].candidate.id,
                "by": measure(mine, objective),
                "tried": len(mine),
                "fit": sum(not each.reason for each in mine),
            }
            for rule, mine in by_rule.items()
        },
        "tried": [_tried(each) for each in verdict.tried],
    }


def _tried(each: Tried) -> dict[str, Any]:
    candidate, cost, target = each.candidate, each.per_update, each.to_target
    return {
        "id": candidate.id,
        "rule": candidate.rule,
        "order": candidate.order,
        "schedule": candidate.schedule,
        "micro_batches": candidate.micro_batches,
        "stash": candidate.stash,
        "spread": candidate.spread,
        "chosen": each.chosen,
        "cycles": None if cost is None else cost.cycles,
        "latency_s": None if cost is None else cost.latency_s,
        "energy_j": None if cost is None else cost.energy_j,
        "edp_js": None if cost is None else cost.edp_js,
        "updates_to_target": None if target is None else target.updates,
        "time_to_target_s": None if target is None else target.time_s,
        "energy_to_target_j": None if target is None else target.energy_j,
        "seeds_reached": None if target is None else target.seeds_reached,
        "reason": each.reason,
    }


def _assumed(cost: AssumedCost) -> dict[str, Any]:
    return asdict(cost)
