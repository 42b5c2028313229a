"""What does each key mean? One sentence a key, by section, for editors."""

from __future__ import annotations

from collections.abc import Mapping

_NAME = "What it is called in reports: up to 64 letters, digits, '.', '_' and '-'."

MEANINGS: Mapping[str, Mapping[str, str]] = {
    "Hardware": {
        "schema": "Which format this is.",
        "name": _NAME,
        "clock": "The one clock of the chip.",
        "technology": "The table of energies, leakages and areas; 'pcsim list' names them.",
        "tiles": "The mesh of equal tiles.",
        "noc": "The network between the tiles.",
        "dram": "The memory beside the chip.",
        "costs": "Costs that replace the technology's, by key such as array.mac.",
    },
    "Tiles": {
        "mesh": "Tiles as [rows, columns].",
        "compute": "The unit that multiplies matrices.",
        "vector": "The unit for activations, errors and state updates.",
        "update": "The optimiser's unit.",
        "sram": "The memory of one tile.",
        "dma": "The engine that moves data between a tile and the network.",
        "formats": "The number format of each kind of value; all equal.",
    },
    "Systolic": {
        "kind": "What kind of unit multiplies matrices.",
        "rows": "Rows of the array.",
        "cols": "Columns of the array.",
        "dataflow": "What stays in the cells: ws, the weights.",
        "transposable": "Whether W and its transpose are read from one copy.",
    },
    "Vector": {
        "lanes": "Lanes for activations, errors and state updates.",
        "latency": "From the last input to the last output.",
    },
    "Update": {
        "lanes": "Lanes for the optimiser.",
        "latency": "From the last input to the last output.",
    },
    "Sram": {
        "size": "Memory of one tile.",
        "banks": "Banks of one tile's memory, each with one port.",
        "port": "Width of one bank's port.",
        "cell": "Cell type: low standby power, low operating power, or high performance.",
        "priced_as": "The size that an unlimited memory is priced as; required then, and only then.",
    },
    "Dma": {"setup": "Before each transfer."},
    "Formats": {
        "weight": "Of the weights.",
        "state": "Of the activities.",
        "error": "Of the errors.",
        "accumulate": "Of sums of products.",
        "optimiser": "Of the optimiser's moments.",
    },
    "Noc": {
        "topology": "Shape of the network.",
        "link": "Width of a link, in each direction.",
        "router_latency": "Per router.",
        "link_latency": "Per link.",
        "hop_length": "Wire from tile to tile, for its energy.",
    },
    "Dram": {
        "kind": "The kind of DRAM, which decides its costs, such as lpddr4.",
        "channels": "Independent channels.",
        "capacity": "Of one channel.",
        "bandwidth": "Of one channel.",
        "latency": "Of one request, from asking to first data.",
    },
    "CostOverride": {
        "energy": "Of one counted unit.",
        "power": "That one counted unit leaks.",
        "area": "Of one counted unit.",
        "source": "Where the number stands.",
        "low": "The least it may be, in the same unit; without bounds the number counts as certain.",
        "high": "The most it may be, in the same unit.",
    },
    "Workload": {
        "schema": "Which format this is.",
        "name": _NAME,
        "network": "What is trained.",
        "data": "From which images.",
        "training": "For how long, and what counts as learnt.",
        "pc": "Settings of predictive coding.",
        "bp": "Settings of backpropagation.",
        "tuning": "What 'pcsim tune' did; it writes this section.",
    },
    "Network": {
        "layers": "Widths from input (the width of an image) to output (the number of classes).",
        "activation": "Of every layer.",
        "parameterisation": "How weights are drawn and scaled: sp by fan-in alone, mupc and ntp by depth, too.",
        "skips": "Whether inner layers of equal widths add the state below to their prediction.",
        "placement": "Whether the activation comes before the weights (pre) or after them (post).",
        "bias": "Whether each unit has a bias.",
    },
    "Data": {
        "dataset": "A named dataset, or the path of a folder of IDX files or of an .npz file.",
        "train": "Images to learn from.",
        "validation": "Images that tell when the target is reached.",
        "test": "Images for the accuracy at the end.",
        "normalise": "Whether to scale by mean and deviation of the training images.",
    },
    "TrainingSettings": {
        "batch": "Images per update.",
        "epochs": "Passes over the training images.",
        "loss": "What is made small.",
        "seeds": "Runs, each with its own initial weights and order of images.",
        "target_accuracy": "Validation accuracy that counts as learnt.",
        "evaluate_every": "Updates between two validations.",
    },
    "PredictiveCoding": {
        "variant": "Plain pc; ipc, weights at every step; z_il and fpa, fixed predictions; epc, errors relax.",
        "steps": "Inference steps per update, T.",
        "rate": "Step size of inference, eta, per sample.",
        "order": "Order in which layers relax; jacobi: all at once.",
        "descent": "How states follow their gradient.",
        "momentum": "Of descent momentum.",
        "tolerance": "A batch has settled when its energy falls by a smaller part in a step; 0: never.",
        "threshold": "Change up to which neighbours are not told of a value; 0: always told.",
        "nudging": "Draw the output only by beta of the way to the target, or away from it, or either at random.",
        "beta": "How far nudging draws the output.",
        "wavefront": "Whether to skip layers that provably do not move yet.",
        "hoist": "Whether to compute the first layer's prediction, which inference cannot change, once per update.",
        "optimiser": "How a gradient changes the weights.",
    },
    "Backpropagation": {
        "schedule": "Order of the passes; sequential: forward, then backward.",
        "optimiser": "How a gradient changes the weights.",
    },
    "Optimiser": {
        "kind": "How a gradient changes the weights.",
        "rate": "The learning rate.",
        "momentum": "Of kind momentum.",
        "weight_decay": "Of kind adamw.",
        "schedule": "How the learning rate changes over the updates.",
        "every": "Updates between two steps of the learning rate.",
        "factor": "What a step multiplies the learning rate by.",
    },
    "Tuning": {
        "budget": "Trainings that each rule was given.",
        "seeds": "Seeds of each of these trainings.",
        "epochs": "Passes of each of these trainings over the training images.",
        "settings": "Fingerprint of the settings that were tuned; with others reports do not call it tuned.",
    },
}
"""Name of a section's class -> its keys in files -> what each means."""
