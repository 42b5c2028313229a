"""What do the words mean that pcsim prints? One definition each, for screens, pages and papers.

docs/glossary.md is made from this table. An entry says the idea first and gives the formula after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap

from pcsim.config.fields import did_you_mean
from pcsim.errors import InputError, Problem

WIDTH = 80


@dataclass(frozen=True)
class GlossaryEntry:
    """A ``word`` with its ``meaning`` in plain sentences; ``aliases`` are other ways to write it, ``see``
    words to read next; ``formula`` is how a number of that name is computed, and ``where`` the module of pcsim."""

    word: str
    meaning: str
    aliases: tuple[str, ...] = ()
    see: tuple[str, ...] = ()
    formula: str = ""
    where: str = ""


GLOSSARY = (
    # Learning.
    GlossaryEntry(
        "predictive coding",
        "A way to train a network without sending errors backward through all of it. Every layer predicts "
        "the state of the layer above; states settle until predictions and states agree as well as they "
        "can; then each weight changes by the error and the state beside it.",
        ("PC",),
        ("inference step", "error", "backpropagation"),
    ),
    GlossaryEntry(
        "backpropagation",
        "The usual way to train a network: one pass forward, one pass backward that carries the derivative "
        "of the loss from layer to layer, then a change of all weights.",
        ("BP",),
        ("predictive coding", "schedule"),
    ),
    GlossaryEntry(
        "inference step",
        "One round in which every hidden state of predictive coding moves a little downhill in energy. The "
        "number of rounds in an update is pc.steps, written T.",
        ("inference steps", "steps", "T"),
        ("inference rate", "order"),
    ),
    GlossaryEntry(
        "inference rate",
        "How far a state moves in one inference step: the step is the rate times the slope of the energy. "
        "It is pc.rate, written eta. It is not the rate by which weights change.",
        ("pc.rate", "eta"),
        ("stability limit", "weight rate"),
    ),
    GlossaryEntry(
        "stability limit",
        "The largest inference rate at which states settle. Beyond it every step overshoots more than the one "
        "before. For Jacobi it is 2 over the largest curvature of the energy, measured on one batch at the "
        "trained weights.",
        ("rate limit", "rate above its limit", "settle"),
        ("inference rate", "divergence"),
        formula="2 / largest eigenvalue of the energy's Hessian in the states",
        where="pcsim/engine/stability.py",
    ),
    GlossaryEntry(
        "weight rate",
        "How far a weight moves in one update: the rate of the optimiser, pc.optimiser.rate or "
        "bp.optimiser.rate.",
        ("learning rate", "optimiser rate", "rates"),
        ("tuned",),
    ),
    GlossaryEntry(
        "error",
        "In predictive coding the difference between a layer's state and its prediction; at the output the "
        "difference between label and prediction.",
        ("errors",),
        ("predictive coding",),
    ),
    GlossaryEntry(
        "energy function",
        "What predictive coding makes small: half the sum of all squared errors, written F. It has nothing to "
        "do with joules.",
        ("F", "training energy"),
        ("error",),
        formula="F = 1/2 sum over layers of |state - prediction|^2, averaged over the batch",
        where="pcsim/engine/kernels/predictive_coding.py",
    ),
    GlossaryEntry(
        "order",
        "In which order the layers take their inference steps. jacobi: all at once. gauss_seidel: one after "
        "another from the output down, each with the newest states of its neighbours. red_black: every second "
        "layer, then the others.",
        ("jacobi", "gauss_seidel", "red_black", "sweep"),
        ("inference step", "credit depth"),
    ),
    GlossaryEntry(
        "variant",
        "A form of predictive coding. pc: settle, then learn. ipc: weights learn at every step. z_il: equals "
        "backpropagation exactly. fpa: predictions stay fixed. epc: errors instead of states are moved.",
        ("ipc", "z_il", "fpa", "epc"),
        ("predictive coding",),
    ),
    GlossaryEntry(
        "parameterisation",
        "How weights and layers are scaled with width and depth. sp: the standard one, by fan-in. mupc and "
        "ntp: scales that keep training alike over widths and, for mupc, over depths.",
        ("sp", "mupc", "ntp"),
        (),
    ),
    GlossaryEntry(
        "wavefront",
        "After t inference steps an error has reached t layers below the output; the layers below cannot have "
        "moved yet. Work that cannot change anything is skipped.",
        (),
        ("credit depth",),
    ),
    GlossaryEntry(
        "credit depth",
        "How many layers learn: layers whose weight gradient is above the noise of rounding, measured on one "
        "batch after training. A gradient counts if it lies closer to the gradient in float64 than zero "
        "does, and points less than 60 degrees away from it.",
        ("credit", "full credit", "credited"),
        ("truncated credit",),
        formula="layers whose gradient g has |g - g64| < |g64| and a cosine above 1/2 with g64",
        where="pcsim/engine/credit.py",
    ),
    GlossaryEntry(
        "truncated credit",
        "Some layers do not learn. steps: errors reach them only after more inference steps. rate: what reaches "
        "them is smaller than the rounding of their states. format: the chip's number formats lose what fp32 "
        "would keep. underflow: errors become too small on their way to change any state. zero: units that "
        "pass nothing on leave no gradient.",
        ("truncated",),
        ("credit depth", "wavefront"),
    ),
    GlossaryEntry(
        "divergence",
        "Training or inference ran away: a value is no longer finite, or the energy function has grown a million "
        "times. Accuracy of such a network says nothing and is not given.",
        ("diverged", "diverge"),
        ("stability limit",),
    ),
    GlossaryEntry(
        "batch",
        "The images that one update learns from together.",
        (),
        ("one update", "micro-batch"),
    ),
    GlossaryEntry(
        "epoch",
        "One pass over all training images, in a new random order.",
        ("epochs", "more epochs"),
        ("batch",),
    ),
    GlossaryEntry(
        "seed",
        "A number from which initial weights and the order of images are drawn. Both rules train with the same "
        "seeds, so that they meet the same weights and images.",
        ("seeds", "paired seeds", "more seeds", "one seed"),
        ("interval",),
    ),
    GlossaryEntry(
        "one update",
        "One change of all weights, by one batch: the inference or the backward pass and the weight step, in the "
        "steady state, with weights and images on the chip.",
        (
            "update",
            "per update",
            "updates",
            "energy per update",
        ),
        ("batch", "latency"),
    ),
    GlossaryEntry(
        "test accuracy",
        "Share of right answers on images that were used for nothing else, read once after training. same: the "
        "seeds do not tell the two rules apart, and leave at most two points between them; open: they leave more.",
        ("accuracy", "same", "open"),
        ("validation accuracy",),
    ),
    GlossaryEntry(
        "validation accuracy",
        "Share of right answers on images set aside during training. It decides when the target is reached.",
        (),
        ("target",),
    ),
    GlossaryEntry(
        "tuned",
        "Rates chosen by trying several, the same number for both rules, on validation images. A verdict with "
        "rates that were not tuned may say more of the rates than of the rules.",
        ("tuning", "rates not tuned here"),
        ("weight rate",),
    ),
    # The verdict.
    GlossaryEntry(
        "target",
        "The validation accuracy that both rules are to reach, training.target_accuracy.",
        ("goal",),
        ("samples to target",),
    ),
    GlossaryEntry(
        "samples to target",
        "How many images a rule learned from until it reached the target. Reaching 90 % means here: the mean "
        "over ten accuracies from 80 to 90 % of when the curve crossed them, because one crossing alone "
        "jitters twice as much over seeds.",
        ("updates to target", "to target", "samples", "to_target"),
        ("crossing", "energy to target", "break-even"),
        formula="mean over thresholds of the crossing, in updates, times the batch",
        where="pcsim/verdict/crossing.py",
    ),
    GlossaryEntry(
        "energy to target",
        "Joules that a rule spent until it reached the target: its updates to the target times the energy of "
        "one update.",
        ("energy_to_target", "energy"),
        ("samples to target", "one update"),
        formula="updates to target x energy of one update",
        where="pcsim/verdict/to_target.py",
    ),
    GlossaryEntry(
        "time to target",
        "Seconds that a rule took on the chip until it reached the target: its updates to the target times the "
        "time of one update.",
        ("time_to_target", "time"),
        ("samples to target", "latency"),
        formula="updates to target x time of one update",
        where="pcsim/verdict/to_target.py",
    ),
    GlossaryEntry(
        "crossing",
        "When a learning curve passes an accuracy, by a straight line between two evaluations. The curve is "
        "first averaged over the stretch from 0.8 to 1.2 times the updates, so that one lucky evaluation is no "
        "arrival, and a slow rule is averaged as much as a fast one.",
        ("threshold", "level", "levels", "interpolated crossing"),
        ("samples to target",),
    ),
    GlossaryEntry(
        "interval",
        "The range in which a ratio lies with 95 % certainty: Student's t over the paired seeds, widened by what "
        "the distance between evaluations leaves open. One seed has no interval.",
        (
            "95 % interval",
            "confidence interval",
            "95 %",
        ),
        ("seed", "winner"),
        formula="mean of the logarithms +- t(0.975, n - 1) s / sqrt(n) of n seeds, widened by the spacing",
        where="pcsim/verdict/interval.py",
    ),
    GlossaryEntry(
        "winner",
        "The rule that needs less energy or time to the target, where the 95 % interval of the ratio does not "
        "contain 1.",
        ("wins", "no winner"),
        ("interval", "undecided"),
    ),
    GlossaryEntry(
        "undecided",
        "A rule did not reach the target and had not yet spent more than the other took, or it diverged, or "
        "there is but one seed. The screen says what would tell: more epochs or more seeds.",
        (
            "missed",
            "censored",
            "not reached",
            "longer training",
        ),
        ("winner", "divergence"),
    ),
    GlossaryEntry(
        "break-even",
        "How many times fewer samples PC must need than BP to take the same energy to the target: the energy of "
        "one update of PC over that of BP.",
        ("break_even", "sample advantage", "sample_advantage", "advantage"),
        ("samples to target",),
        formula="energy of one update of PC / energy of one update of BP",
        where="pcsim/verdict/summary.py",
    ),
    GlossaryEntry(
        "loss crossing",
        "Samples until the validation loss has fallen to what it is, on average over both rules, at the target; "
        "a smoother measure than accuracy.",
        ("loss_crossing",),
        ("crossing", "curve area"),
    ),
    GlossaryEntry(
        "curve area",
        "The area between the target and the accuracy curve until the target is reached. It counts all of the way "
        "there, not only its end.",
        ("curve_area", "area over the curve"),
        ("crossing",),
    ),
    GlossaryEntry(
        "equal energy",
        "What each rule has learned once both have spent the same energy.",
        ("equal_energy",),
        ("energy to target",),
        where="pcsim/verdict/equal_energy.py",
    ),
    GlossaryEntry(
        "geometric mean",
        "The mean of ratios by which twice and half cancel: the n-th root of the product of n ratios.",
        (),
        ("interval",),
        formula="exp(mean of the logarithms)",
        where="pcsim/verdict/interval.py",
    ),
    GlossaryEntry(
        "assumed cost",
        "A cost for which no published number was found. It has a range, a reason, and a share of the energy that "
        "is told.",
        ("assumed", "assumed costs", "trust"),
        ("tornado",),
    ),
    GlossaryEntry(
        "tornado",
        "Each cost alone halved, doubled and at both ends of its range: how far that moves PC's energy over BP's, "
        "and whether it would turn the verdict.",
        ("single cost",),
        ("assumed cost",),
        where="pcsim/verdict/tornado.py",
    ),
    GlossaryEntry(
        "line buffer",
        "Registers between a tile's SRAM and its array that keep the last lines of an image, so that the windows of a "
        "convolution are formed without reading a word once for every window.",
        ("line buffers", "line_buffer"),
        ("array",),
        where="pcsim/machine/units/work.py",
    ),
    GlossaryEntry(
        "lever",
        "A resource of the chip that was doubled, alone, and simulated: what that changes in time, energy and "
        "area. The best lever is the bottleneck.",
        ("levers",),
        ("critical path",),
        where="pcsim/levers.py",
    ),
    GlossaryEntry(
        "critical path",
        "The chain of operations that made an update as long as it is. Each of its cycles is charged to one "
        "cause, so that the causes add up to the update.",
        ("bound", "bottleneck"),
        ("lever",),
        where="pcsim/machine/critical_path.py",
    ),
    GlossaryEntry(
        "not modelled",
        "What the simulator leaves out, listed in every report with what that means.",
        ("not_modelled",),
        (),
    ),
    # The chip.
    GlossaryEntry(
        "tile",
        "A unit of the chip with its own memory: a compute unit, a vector unit, an update unit and a DMA engine. "
        "Tiles stand in a mesh.",
        ("tiles", "mesh"),
        ("array", "SRAM", "network"),
    ),
    GlossaryEntry(
        "array",
        "The part of a tile that multiplies and accumulates: a systolic array, SIMD lanes, a crossbar or serial "
        "cores.",
        ("arrays", "compute unit", "crossbar", "systolic", "simd", "serial"),
        ("MAC", "utilization"),
    ),
    GlossaryEntry(
        "vector unit",
        "The lanes of a tile that apply activation functions and move states.",
        ("vector units", "vector lanes"),
        ("tile",),
    ),
    GlossaryEntry(
        "update unit",
        "The lanes of a tile that change weights by the optimiser.",
        ("update units", "update lanes"),
        ("tile",),
    ),
    GlossaryEntry(
        "SRAM", "The memory of a tile, in banks with ports.", ("sram", "bank", "port"), ("tile",)
    ),
    GlossaryEntry(
        "global buffer",
        "A memory on the chip beside the tiles, where weights may live.",
        ("buffer",),
        ("SRAM",),
    ),
    GlossaryEntry(
        "network",
        "What joins the tiles: routers, and links of some width. In causes of time, links means sending or "
        "waiting for a link, hops the way of the first and last word.",
        ("noc", "link", "links", "router", "hop", "hops"),
        ("tile",),
    ),
    GlossaryEntry(
        "DMA",
        "The engine that moves data between a tile and the network.",
        ("dma", "DMA set-up"),
        ("network",),
    ),
    GlossaryEntry(
        "DRAM",
        "Memory beside the chip, in channels; it brings images and, where they do not fit on the chip, weights.",
        ("dram", "channel"),
        ("DRAM standby",),
    ),
    GlossaryEntry(
        "DRAM standby",
        "Energy that DRAM takes by time alone, whether it is used or not.",
        ("dram_standby",),
        ("leakage",),
    ),
    GlossaryEntry(
        "leakage",
        "Energy that circuits take by time alone, whether they work or not. A slower update leaks more.",
        ("static energy", "static_energy"),
        ("DRAM standby",),
    ),
    GlossaryEntry(
        "clock tree",
        "Energy that the distribution of the clock to busy units takes.",
        ("clock",),
        ("leakage",),
    ),
    GlossaryEntry(
        "MAC",
        "One multiply-accumulate: a product added to a sum. Energy per MAC is all energy of an update over its "
        "MACs.",
        (
            "MACs",
            "multiply-accumulate",
            "MACs per update",
            "energy per MAC",
        ),
        ("utilization",),
    ),
    GlossaryEntry(
        "utilization",
        "Share of the chip's multipliers times cycles that did a multiply-accumulate in an update.",
        (),
        ("MAC",),
        formula="MACs / (multipliers of the chip x cycles)",
        where="pcsim/machine/activity.py",
    ),
    GlossaryEntry(
        "latency",
        "Time of one update in the steady state.",
        (
            "cycles",
            "latency per update",
            "period",
        ),
        ("one update",),
        formula="cycles / clock",
        where="pcsim/verdict/cost.py",
    ),
    GlossaryEntry(
        "energy-delay product",
        "Energy of one update times its time; it weighs both alike.",
        (
            "EDP",
            "energy-delay product per update",
        ),
        ("latency",),
        formula="energy x time",
        where="pcsim/verdict/result.py",
    ),
    GlossaryEntry(
        "schedule",
        "In which order the units of the chip take the operations of an update. Backpropagation can be pipelined "
        "over micro-batches (gpipe, 1f1b, zb_h1, zb_h2).",
        ("gpipe", "1f1b", "zb_h1", "zb_h2", "sequential", "best"),
        ("micro-batch", "stash"),
    ),
    GlossaryEntry(
        "micro-batch",
        "A part of a batch that passes through the layers on its own, so that several layers work at once.",
        ("micro_batches", "micro-batches"),
        ("schedule",),
    ),
    GlossaryEntry(
        "stash",
        "Activations that backpropagation keeps from the forward pass for the backward pass: kept in the tiles, "
        "computed again, or spilled to DRAM.",
        (),
        ("schedule",),
    ),
    GlossaryEntry(
        "spread",
        "Over how many times the fewest tiles each layer is laid; at 1 as the chip's allocation says.",
        (),
        ("placement",),
    ),
    GlossaryEntry(
        "allocation",
        "How many tiles each layer gets. By work, layers are spread over the chip, apart from one another or "
        "together on the same tiles, whichever takes the fewest cycles; fewest: as few tiles as hold them.",
        (),
        ("placement", "spread"),
    ),
    GlossaryEntry(
        "lower bound",
        "The cycles that an update takes at least, wherever it is placed: its work, shared evenly by all units of "
        "a kind, or its longest chain of operations. What is far above has a bad mapping; what is near it needs "
        "other hardware.",
        ("least any placement could take",),
        ("bottleneck",),
    ),
    GlossaryEntry(
        "placement",
        "Which tile holds which part of which layer.",
        (),
        ("tile",),
    ),
    GlossaryEntry(
        "number format",
        "How many bits a value has and what they mean: fp32, bf16, fp8, q4.12, int8 and others.",
        (
            "format",
            "formats",
            "precision",
            "classes",
            "fp32",
            "bf16",
            "int8",
            "accumulate",
        ),
        ("truncated credit",),
    ),
    # What files and pages say.
    GlossaryEntry(
        "rule",
        "The way a network learns: predictive coding (PC), backpropagation (BP), or one of your own. pcsim list names "
        "those that come along.",
        ("learning rule",),
        ("predictive coding", "backpropagation"),
    ),
    GlossaryEntry(
        "candidate",
        "One rule with one setting and one schedule, as it is trained, timed and priced.",
        ("candidates",),
        ("rule", "schedule"),
    ),
    GlossaryEntry(
        "rate",
        "There are two. The inference rate moves states within an update; the weight rate moves weights from "
        "one update to the next.",
        (),
        ("inference rate", "weight rate"),
    ),
    GlossaryEntry(
        "state",
        "The value of a unit while predictive coding infers. A state starts at the feed-forward pass and "
        "moves with every inference step.",
        ("states", "activity"),
        ("inference step", "error"),
    ),
    GlossaryEntry(
        "loss",
        "How wrong the outputs are: the mean square of their errors, or the cross-entropy.",
        ("validation loss",),
        ("loss crossing",),
    ),
    GlossaryEntry(
        "nudging",
        "Pulling the outputs only a little towards the labels, by a factor beta, instead of fixing them there.",
        ("beta",),
        ("predictive coding",),
    ),
    GlossaryEntry(
        "skip",
        "A connection that adds the input of a layer to its output, so that deep networks stay trainable.",
        ("skips",),
        ("parameterisation",),
    ),
    GlossaryEntry(
        "stochastic rounding",
        "Rounding up or down by chance, so that a value is kept on average. Small updates are not lost by it.",
        (),
        ("number format",),
    ),
    GlossaryEntry(
        "objective",
        "What the best of several schedules is chosen by: time, energy or energy-delay product of an update, "
        "or time or energy to the target.",
        (),
        ("schedule",),
    ),
    GlossaryEntry(
        "cold start",
        "An update of a chip that holds nothing yet: weights and the first batch come from DRAM.",
        ("cycles_cold", "cold"),
        ("one update",),
    ),
    GlossaryEntry(
        "resident",
        "Weights are resident where they stay in the tiles' memories from update to update. They are streamed"
        " where they come from DRAM or the global buffer each time they are needed.",
        ("streamed", "streaming"),
        ("SRAM", "DRAM"),
    ),
    GlossaryEntry(
        "dataflow",
        "What stays in the cells of a systolic array while the rest moves through: weights (ws), outputs (os)"
        " or inputs (is). A product that is larger than the array is cut into folds, one after the other.",
        ("ws", "os", "fold", "folds"),
        ("array",),
    ),
    GlossaryEntry(
        "DRAM row",
        "The part of a bank of DRAM that is open. An access to another row first closes that one, which takes"
        " time. Refresh rewrites all rows again and again.",
        ("refresh", "row miss"),
        ("DRAM",),
    ),
    GlossaryEntry(
        "area",
        "Silicon of the chip in square millimetres, block by block, DRAM apart.",
        (),
        ("lever",),
        formula="sum over blocks of count x area of one",
        where="pcsim/technology/bill.py",
    ),
    GlossaryEntry(
        "technology",
        "The table of what every action costs in energy, and every block in area and leakage, each with its "
        "source.",
        ("costs",),
        ("assumed cost",),
    ),
    GlossaryEntry(
        "roofline",
        "A picture of how fast each layer could be at most: by its multipliers, or by how fast a memory "
        "brings what they need.",
        (),
        ("utilization",),
    ),
    GlossaryEntry(
        "Pareto front",
        "The configurations that no other one beats in everything at once.",
        ("front",),
        ("objective",),
    ),
    GlossaryEntry(
        "trace",
        "A record of every operation of one update, to be looked at in Perfetto.",
        (),
        ("one update",),
    ),
    GlossaryEntry(
        "compiling",
        "The engine and the simulator are turned into machine code where they are called first. That takes "
        "most of a first run, and is kept for all others.",
        ("kernels", "kernel"),
        (),
    ),
)


def definition(word: str) -> str | None:
    """What ``word`` means, as lines; None where the glossary does not have it. Case does not matter."""
    entry = _found(word)
    if entry is None:
        return None
    lines = [entry.word, *wrap(entry.meaning, WIDTH, initial_indent="  ", subsequent_indent="  ")]
    if entry.formula:
        lines += wrap(
            f"formula: {entry.formula}", WIDTH, initial_indent="  ", subsequent_indent="    "
        )
    if entry.where:
        lines.append(f"  computed in: {entry.where}")
    if entry.see:
        lines.append(f"  see also: {', '.join(entry.see)}")
    return "\n".join(lines)


def _found(word: str) -> GlossaryEntry | None:
    asked = _plain(word)
    return next(
        (
            entry
            for entry in GLOSSARY
            if asked in {_plain(name) for name in (entry.word, *entry.aliases)}
        ),
        None,
    )


def _plain(word: str) -> str:
    return word.strip().lower().replace("_", " ").replace("-", " ")


def words() -> list[str]:
    """Every word that has an entry of its own, in alphabetical order."""
    return sorted((entry.word for entry in GLOSSARY), key=str.lower)


def define(word: str) -> str:
    """``definition``, or the words that are known.

    Raises:
        InputError: the glossary does not have the word; names the nearest.
    """
    found = definition(word)
    if found is not None:
        return found
    known = [name for entry in GLOSSARY for name in (entry.word, *entry.aliases)]
    hint = did_you_mean(word, known) or "without a word, pcsim explain lists all there are"
    message = f"RUN must be the folder of a report or a word of the glossary, not {word!r}"
    raise InputError((Problem(message, hint=hint),))


def as_markdown() -> str:
    """The whole glossary as a page."""
    lines = [
        "# Glossary",
        "",
        "Every word that pcsim prints and that is not everybody's. `pcsim explain WORD` prints the same.",
        "",
    ]
    for entry in sorted(GLOSSARY, key=lambda entry: entry.word.lower()):
        also = f" (also: {', '.join(entry.aliases)})" if entry.aliases else ""
        formula = f" Formula: `{entry.formula}`." if entry.formula else ""
        where = f" Computed in `{entry.where}`." if entry.where else ""
        see = f" See also: {', '.join(entry.see)}." if entry.see else ""
        lines += [f"**{entry.word}**{also}. {entry.meaning}{formula}{where}{see}", ""]
    return "\n".join(lines)
