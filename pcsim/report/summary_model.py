"""What must be in a stored summary.json for a report to be drawn from it?

Sections may hold more than is named here: later versions add keys. A key with a default was added later, and
reports of earlier versions lack it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

Number = Annotated[float, Field(ge=-1e300, le=1e300)]
Positive = Annotated[float, Field(gt=0, le=1e300)]
Ratio = Annotated[float, Field(ge=0, le=1e300)]
Amount = Annotated[float, Field(ge=0, le=1e18)]
"""Joules, seconds, square millimetres and the like: more than any chip has."""
Share = Annotated[float, Field(ge=0, le=1.001)]
Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
Size = Annotated[int, Field(ge=1, le=2**31)]
Side = Annotated[int, Field(ge=1, le=4096)]
Item = TypeVar("Item")
Some = Annotated[list[Item], Field(min_length=1)]


class StoredPart(BaseModel):
    """A section: what is named must be right, what is not named is left alone."""

    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False)


class StoredChip(StoredPart):
    area_mm2: Amount | None
    area_by_block_mm2: dict[str, Amount] | None = None
    area_sources: dict[str, str] | None = None
    tiles: Size
    mesh: Annotated[list[Side], Field(min_length=2, max_length=2)]
    clock_hz: Annotated[float, Field(gt=0, le=1e18)]
    technology: str


class StoredAccuracy(StoredPart):
    mean: Share | None
    per_seed: Some[Share | None]


class StoredSeedToTarget(StoredPart):
    seed: Count
    updates: Amount | None
    samples: Amount | None
    time_s: Amount | None
    energy_j: Amount | None


class StoredToTarget(StoredPart):
    target: Share
    levels: Some[Share] | None = None
    samples: Amount | None
    updates: Amount | None
    time_s: Amount | None
    energy_j: Amount | None
    seeds_reached: Count
    per_seed: Some[StoredSeedToTarget]


class StoredCost(StoredPart):
    macs: Count
    cycles: Count
    cycles_cold: Count | None
    latency_s: Amount
    energy_j: Amount
    static_energy_j: Amount
    energy_by_component_j: dict[str, Amount]
    energy_per_mac_j: Amount | None
    edp_js: Amount
    utilization: Share
    bytes: dict[Literal["sram", "noc", "dram", "buffer"], Count]


class StoredColdCost(StoredCost):
    """Of an update, whose cold start is known."""

    cycles_cold: Count


class StoredBound(StoredPart):
    busiest: str
    kind: str
    busy_share: Share
    array_waits: dict[str, Share]


RuleWord = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
"""The name of a rule."""


class StoredResult(StoredPart):
    id: str
    rule: RuleWord
    accuracy: StoredAccuracy
    credit_depth: Count
    depth: Size
    inference_steps: Count
    to_target: StoredToTarget
    per_update: StoredColdCost
    per_inference: StoredCost
    bound_by: StoredBound
    tiles_used: Count
    peak_sram_bytes: Count
    peak_buffer_bytes: Count = 0
    critical_path_cycles: dict[str, Count] | None = None


class StoredEstimate(StoredPart):
    value: Positive
    low: Positive | None
    high: Positive | None
    per_seed: list[Positive]


class StoredBreakEven(StoredPart):
    sample_advantage_needed: Ratio | None
    sample_advantage_measured: Ratio | None


class StoredRace(StoredPart):
    what: Literal["energy", "time"]
    winner: RuleWord | None
    ratio: StoredEstimate | None
    at_least: StoredEstimate | None
    at_most: StoredEstimate | None
    reason: str
    more_epochs: Count | None
    more_seeds: Count | None


class StoredRatios(StoredPart):
    pc: str
    bp: str
    macs: Ratio | None
    cycles: Ratio | None
    latency_s: Ratio | None
    energy_j: Ratio | None
    energy_j_range: Annotated[list[Ratio], Field(min_length=2, max_length=2)] | None
    static_energy_j: Ratio | None
    edp_js: Ratio | None
    utilization: Ratio | None
    energy_to_target: StoredEstimate | None
    time_to_target: StoredEstimate | None
    sample_advantage: StoredEstimate | None
    break_even: StoredBreakEven
    races: Annotated[list[StoredRace], Field(min_length=2, max_length=2)] | None = None


class StoredNoRatios(StoredPart):
    """Of a run of one rule."""


class StoredAssumed(StoredPart):
    name: str
    value: Number
    low: Number
    high: Number
    unit: str
    status: str
    source: str
    note: str
    shares: dict[str, Share]


class StoredSwing(StoredPart):
    key: str
    at_low: Ratio
    at_high: Ratio
    at_half: Ratio
    at_double: Ratio
    turns_update: bool
    turns_target: bool | None


class StoredTuning(StoredPart):
    budget: Size
    seeds: Size
    epochs: Size


class StoredSample(StoredPart):
    mean: Number
    low: Number | None
    high: Number | None
    per_seed: list[Number]


class StoredEqualEnergy(StoredPart):
    energy_j: Amount
    reason: str
    pc: StoredSample
    bp: StoredSample
    difference: StoredSample


class StoredWarned(StoredPart):
    kind: str
    rule: RuleWord | None
    text: str
    mend: str


class StoredLever(StoredPart):
    key: str
    what: str
    settings: list[str]
    unlimited: bool
    latency: dict[RuleWord, Positive]
    energy: dict[RuleWord, Ratio]
    area: Ratio | None
    reason: str
    phrase: str


class StoredTried(StoredPart):
    id: str
    rule: RuleWord
    chosen: bool
    latency_s: Amount | None
    energy_j: Amount | None
    edp_js: Amount | None
    time_to_target_s: Amount | None
    energy_to_target_j: Amount | None
    reason: str


class Summary(StoredPart):
    """summary.json as a whole."""

    hardware: str
    workload: str
    seeds: Some[Count]
    chip: StoredChip
    network: Annotated[list[Size], Field(min_length=2)]
    shapes: Annotated[list[Some[Size]], Field(min_length=2)] | None = None
    weights: Count | None = None
    parts: Some[str] | None = None
    batch: Size
    tuning: StoredTuning | None = None
    results: Some[StoredResult]
    ratios: Annotated[
        Annotated[StoredRatios, Tag("some")] | Annotated[StoredNoRatios, Tag("none")],
        Discriminator(lambda value: "none" if value == {} else "some"),
    ]
    warnings: list[StoredWarned] = Field(default_factory=list)
    levers: list[StoredLever] = Field(default_factory=list)
    sentences: list[str]
    assumed: list[StoredAssumed]
    not_modelled: list[str]
    equal_energy: StoredEqualEnergy | None = None
    tornado: list[StoredSwing] = Field(default_factory=list)
    tried: list[StoredTried] = Field(default_factory=list)

    @model_validator(mode="after")
    def _together(self) -> Summary:
        """Lists by seed are as long as the seeds, names are those of results."""
        seeds = len(self.seeds)
        rules = {result.id: result.rule for result in self.results}
        if len(rules) < len(self.results):
            raise ValueError("the id of every result must be another")
        for result in self.results:
            if not len(result.accuracy.per_seed) == len(result.to_target.per_seed) == seeds:
                raise ValueError(f"{result.id} must have as many seeds as the run")
        if isinstance(self.ratios, StoredRatios):
            rule = rules.get(self.ratios.pc, "bp")
            if rule == "bp" or rules.get(self.ratios.bp) != "bp":
                raise ValueError(
                    "ratios.pc and ratios.bp must be the ids of results of these rules"
                )
            for found in (
                self.ratios.energy_to_target,
                self.ratios.time_to_target,
                self.ratios.sample_advantage,
            ):
                if found is not None and len(found.per_seed) != seeds:
                    raise ValueError("ratios must have as many seeds as the run")
        chip = self.chip
        if chip.tiles != chip.mesh[0] * chip.mesh[1]:
            raise ValueError("chip.tiles must be the tiles of chip.mesh")
        blocks, sources = chip.area_by_block_mm2 or {}, chip.area_sources or {}
        if (blocks and not chip.area_mm2) or set(blocks) - set(sources):
            raise ValueError(
                "chip.area_by_block_mm2 must have an area and a source for every block"
            )
        return self


def place_of(location: tuple[Any, ...]) -> str:
    """Where in the file a mistake is: ``results[0].depth``."""
    text = ""
    for part in location:
        if part in ("some", "none", "[key]"):
            continue
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")
