"""What may a file say, in the words of JSON Schema, so that editors complete and check it?

Left out, because JSON Schema cannot say it: bounds of quantities, rules between values (formats of integer
operands, widths that fit the data), names of technologies; and what extensions bring.
``pcsim check`` tells those too.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from pcsim.config.compute.kinds import SHIPPED
from pcsim.config.datasets import DATASETS
from pcsim.config.hardware import Hardware
from pcsim.config.meanings import MEANINGS
from pcsim.config.section import ConfigFile
from pcsim.config.workload import Workload
from pcsim.units import quantity_pattern

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FILES: dict[str, type[ConfigFile]] = {"hardware": Hardware, "workload": Workload}

Schema = dict[str, Any]


def json_schema(kind: str) -> Schema:
    """The JSON Schema (draft 2020-12) of files of a ``kind``, "hardware" or "workload".

    A file that extends another may leave everything out but its schema and name: every section is
    there twice, once whole and once as changes.
    """
    generated = FILES[kind].model_json_schema(by_alias=True)
    whole = generated.pop("$defs")
    whole[generated["title"]] = generated
    if "Tiles" in whole:
        whole |= _compute_units()
        ways = [{"$ref": f"#/$defs/{section.__name__}"} for section in SHIPPED]
        whole["Tiles"]["properties"]["compute"] = {"anyOf": ways}
    for name, section in whole.items():
        _tidy(section, name)
    _say_what_pydantic_cannot(whole)
    file = whole[FILES[kind].__name__]
    file["required"] = ["schema", *(key for key in file["required"] if key != "schema")]
    del file["properties"]["schema"]["default"]
    changes = {f"{name}Changes": _as_changes(section) for name, section in whole.items()}
    changed = changes[f"{FILES[kind].__name__}Changes"]
    changed["properties"]["extends"] = {
        "type": "string",
        "description": "The file that this one changes: one beside it, or a shipped one.",
    }
    changed["required"] = ["schema", "name", "extends"]
    return {
        "$schema": DIALECT,
        "title": f"pcsim {kind} file",
        "if": {"required": ["extends"]},
        "then": {"$ref": f"#/$defs/{FILES[kind].__name__}Changes"},
        "else": {"$ref": f"#/$defs/{FILES[kind].__name__}"},
        "$defs": dict(sorted({**whole, **changes}.items())),
    }


def _compute_units() -> dict[str, Schema]:
    """The sections of all kinds that come along, and those below them."""
    found: dict[str, Schema] = {}
    for section in SHIPPED:
        own = section.model_json_schema(by_alias=True)
        found |= own.pop("$defs", {})
        found[section.__name__] = own
    return found


def _tidy(section: Schema, name: str) -> None:
    """No titles that repeat the key, no null that a file cannot say; every key with its meaning."""
    section["description"] = section["description"].partition("\n\n")[0].replace("``", "")
    for key, value in section["properties"].items():
        value.pop("title", None)
        if value.get("default", "") is None:
            del value["default"]
        if {"type": "null"} in value.get("anyOf", ()):
            (given,) = (way for way in value.pop("anyOf") if way != {"type": "null"})
            value.update(given)
        value["description"] = MEANINGS[name][key]


def _say_what_pydantic_cannot(sections: dict[str, Schema]) -> None:
    """What validators of our own hold."""
    if "Sram" in sections:
        unlimited = {"properties": {"size": {"const": "unlimited"}}, "required": ["size"]}
        sections["Sram"] |= {
            "if": unlimited,
            "then": {"required": ["priced_as"]},
            "else": {"not": {"required": ["priced_as"]}},
        }
    for name in ("Systolic", "Simd", "Serial"):
        if name in sections:
            sections[name] |= {
                "if": {"properties": {"transposable": {"const": False}}},
                "then": {"required": ["transpose"]},
                "else": {"not": {"required": ["transpose"]}},
            }
    if "CostOverride" in sections:
        cost = sections["CostOverride"]
        for bound in ("low", "high"):
            cost["properties"][bound] = {"description": MEANINGS["CostOverride"][bound]}
        cost["oneOf"] = [
            {"required": [quantity], "properties": {"low": text, "high": text}}
            for quantity, text in (
                (quantity, {"type": "string", "pattern": quantity_pattern(unit)})
                for quantity, unit in (("energy", "J"), ("power", "W"), ("area", "m2"))
            )
        ]
    if "Workload" in sections:
        workload = sections["Workload"]
        workload["properties"]["rule"] |= {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "optimiser": {"$ref": "#/$defs/OptimiserSettings"},
            },
            "required": ["name", "optimiser"],
        }
        workload["required"].remove("pc")
        workload["oneOf"] = [{"required": ["pc"]}, {"required": ["rule"]}]
    if "DataSettings" in sections:
        path = {"type": "string", "pattern": r"/|\.npz$", "examples": ["./images", "images.npz"]}
        sections["DataSettings"]["properties"]["dataset"] |= {
            "anyOf": [{"enum": list(DATASETS)}, path]
        }


def _as_changes(section: Schema) -> Schema:
    """The section as far as a file says it: nothing is required. A single cost stays whole."""
    changes = deepcopy(section)
    for word in ("required", "oneOf", "if", "then", "else"):
        changes.pop(word, None)
    for value in changes["properties"].values():
        value.pop("default", None)
        for part in (value, *value.get("anyOf", ())):
            if "$ref" in part:
                part["$ref"] += "Changes"
    return changes
