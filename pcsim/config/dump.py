"""How is a chip or a workload written down so that it loads again as the same?"""

from __future__ import annotations

from typing import Any

import yaml

from pcsim.config.section import ConfigFile
from pcsim.config.yaml_marks import Resolver


def to_plain(file: ConfigFile) -> dict[str, Any]:
    """Everything a file says, bases and options resolved, in the keys and texts of a file."""
    plain: dict[str, Any] = _without_none(file.model_dump(mode="json", by_alias=True))
    return plain


def dump_yaml(file: ConfigFile) -> str:
    """``to_plain`` as YAML text; equal files give equal text."""
    return yaml.dump(
        to_plain(file),
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=None,
        allow_unicode=True,
        width=10_000,
    )


class _Dumper(Resolver, yaml.SafeDumper):
    """Quotes what our reader, which knows other types than PyYAML's, would take for no text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(child) for key, child in value.items() if child is not None}
    return value


def value_text(value: Any) -> str:
    """One plain value as YAML on one line, which reads back as the same."""
    text = yaml.dump(
        value,
        Dumper=_Dumper,
        sort_keys=False,
        default_flow_style=True,
        allow_unicode=True,
        width=float("inf"),
    )
    return text.removesuffix("\n").removesuffix("\n...")
