"""Which systolic array? Rows, columns and dataflow have the names and meanings of SCALE-Sim."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import model_validator

from pcsim.config.compute.unit import DigitalUnit
from pcsim.config.fields import Finding, choice, rejected, whole
from pcsim.config.numerics import Formats

SystolicKind = Literal["systolic"]
Dataflow = Literal["os", "ws", "is"]
Drain = Literal["overlapped", "serial"]
Edges = Literal["full", "trimmed"]
Preload = Literal["serial", "chain", "wave"]
FoldOrder = Literal["n_outer", "either"]


class Systolic(DigitalUnit):
    """A systolic array of ``rows`` x ``cols`` multiply-accumulate cells.

    ``dataflow`` is what stays in the cells: outputs (os), weights (ws) or inputs (is). ``drain``, of os
    alone: whether outputs leave while the next fold fills. ``edges``: whether a last fold passes through
    the whole array or only its own rows and columns. ``resident_folds``, of ws alone: folds of weights
    that cells keep from product to product; 0: each is preloaded each time. ``preload``, of ws and is: cells have
    one register for what stays, and nothing else happens while it is loaded (serial); or a second one, filled by a
    shift chain of which all cells move at once (chain), or one of which each cell moves when the word before
    has passed it (wave).

    ``folds``, of ws alone: all slices of inputs for each slice of outputs, so that one slice of outputs after the
    other is finished (n_outer); or either that or all slices of outputs for each slice of inputs, where inputs come
    slice by slice and more slowly than a fold passes. The sums of all outputs are unfinished then: ``accumulators``
    are the rows of ``cols`` sums that the array can add up at once, None: any number. A product that would need more
    takes n_outer.
    """

    kind: Annotated[SystolicKind, choice(SystolicKind)]
    rows: Annotated[int, whole(1, 4096)]
    cols: Annotated[int, whole(1, 4096)]
    dataflow: Annotated[Dataflow, choice(Dataflow)]
    drain: Annotated[Drain | None, choice(Drain, optional=True)] = None
    edges: Annotated[Edges, choice(Edges)] = "full"
    resident_folds: Annotated[int, whole(0, 65_536)] = 0
    preload: Annotated[Preload, choice(Preload)] = "serial"
    folds: Annotated[FoldOrder, choice(FoldOrder)] = "n_outer"
    accumulators: Annotated[int | None, whole(1, 1 << 20, unlimited=True)] = None

    @model_validator(mode="after")
    def _dataflow_has_its_keys(self) -> Self:
        findings = []
        if self.dataflow == "os" and self.drain is None:
            hint = "overlapped: outputs leave while the next fold fills; serial: before it does"
            findings.append(Finding("must be given where dataflow is os", ("drain",), hint))
        if self.dataflow != "os" and self.drain is not None:
            said = f"must be left out where dataflow is {self.dataflow}"
            findings.append(Finding(said, ("drain",)))
        if self.dataflow != "ws" and self.resident_folds:
            said = f"must be 0 or left out where dataflow is {self.dataflow}"
            findings.append(Finding(said, ("resident_folds",)))
        if self.dataflow == "os" and self.preload != "serial":
            said = "must be serial or left out where dataflow is os, which loads nothing before"
            findings.append(Finding(said, ("preload",)))
        if self.dataflow != "ws" and self.folds != "n_outer":
            said = f"must be n_outer or left out where dataflow is {self.dataflow}"
            findings.append(Finding(said, ("folds",)))
        if self.folds == "n_outer" and self.accumulators is not None:
            said = "must be left out where folds are n_outer, which finish one slice of outputs at a time"
            findings.append(Finding(said, ("accumulators",)))
        if self.preload != "serial" and self.edges == "trimmed":
            said = "must be serial or left out where edges are trimmed"
            findings.append(Finding(said, ("preload",)))
        if findings:
            raise rejected(findings)
        return self

    def holds_sums(self, samples: int, slices: int) -> bool:
        """Whether the sums of so many ``samples`` and ``slices`` of outputs may all be unfinished at once."""
        fits = self.accumulators is None or samples * slices <= self.accumulators
        return self.folds == "either" and fits

    def cells(self, formats: Formats) -> int:
        return self.rows * self.cols

    def rounds(self, m: int, n: int, k: int, formats: Formats, *, by_weights: bool) -> int:
        """Of every fold the rows that stream through it, at least as many as it takes to load it."""
        along = {"os": (m, n, k), "ws": (k, n, m), "is": (k, m, n)}
        along_rows, along_cols, streamed = along[self.dataflow]
        folds = -(-along_rows // self.rows) * -(-along_cols // self.cols)
        return folds * max(streamed, self.rows)

    @property
    def blocks(self) -> int | None:
        return self.resident_folds or None

    @property
    def blocks_key(self) -> str:
        return "resident_folds"

    def blocks_of(self, n_in: int, n_out: int, formats: Formats, *, both_ways: bool) -> int:
        folds = -(-n_in // self.rows) * -(-n_out // self.cols)
        if both_ways and self.copies_weights:
            folds += -(-n_out // self.rows) * -(-n_in // self.cols)
        return folds
