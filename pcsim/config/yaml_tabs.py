"""Tabs between the tokens of a line, which YAML allows and PyYAML's scanner does not know.

A tab still cannot indent: where one stands before the first token of a line, outside of brackets, the scanner refuses
it. Lines of blanks and tabs alone are empty, and a tab between two words of a plain text is part of it.
"""

from __future__ import annotations

from typing import Any

from yaml.scanner import Scanner

_BREAKS = "\r\n\x85\u2028\u2029"


class TabScanner(Scanner):
    """PyYAML's scanner, for which blanks and tabs separate alike."""

    def scan_to_next_token(self) -> None:
        """Skip blanks, tabs, comments and line breaks."""
        reader: Any = self
        found = False
        while not found:
            while reader.peek() == " " or (reader.peek() == "\t" and self._may_separate()):
                reader.forward()
            if reader.peek() == "#":
                while reader.peek() not in f"\0{_BREAKS}":
                    reader.forward()
            if self.scan_line_break():
                if not self.flow_level:
                    self.allow_simple_key = True
            else:
                found = True

    def _may_separate(self) -> bool:
        """Whether the tab at the reader's place stands behind a token of its line, in brackets, or in an empty line."""
        reader: Any = self
        if self.flow_level or reader.buffer[reader.pointer - reader.column : reader.pointer].strip(
            " \t"
        ):
            return True
        ahead = 0
        while reader.peek(ahead) in " \t":
            ahead += 1
        return reader.peek(ahead) in f"\0#{_BREAKS}"

    def scan_plain_spaces(self, indent: Any, start_mark: Any) -> Any:
        """What stands between two words of a plain text, as chunks; none where the text ends."""
        reader: Any = self
        ahead = 0
        while reader.peek(ahead) in " \t":
            ahead += 1
        if reader.peek(ahead) in _BREAKS:
            reader.forward(ahead)
            return super().scan_plain_spaces(indent, start_mark)
        between = reader.prefix(ahead)
        reader.forward(ahead)
        return [between] if between else []
