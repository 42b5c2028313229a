"""What can go wrong, and which exit code it means.

Every exception rebuilds from its ``args`` alone, because SimPy copies exceptions as ``type(e)(*e.args)``.
"""

from __future__ import annotations

from dataclasses import dataclass


class PcsimError(Exception):
    """Base of everything pcsim raises on purpose."""

    exit_code = 3


class ConstraintError(PcsimError, ValueError):
    """A text is not what it should be: "must be <constraint>, not <value>; <hint>"."""

    exit_code = 2

    def __init__(self, constraint: str, value: object, hint: str = "") -> None:
        super().__init__(constraint, value, hint)
        self.constraint = constraint
        self.value = value
        self.hint = hint

    def __str__(self) -> str:
        text = f"must be {self.constraint}, not {self.value!r}"
        return f"{text}; {self.hint}" if self.hint else text


_WIDEST_LINE = 120


@dataclass(frozen=True)
class Problem:
    """One mistake in the user's input.

    ``message`` is a whole sentence ("<path> must be <constraint>, not <value>"); ``line`` and ``column``
    are 1-based and 0 where the input has no place (a missing file, a ``--set`` option);
    ``source_line`` is the text of that line; ``hint`` says what would be right.
    """

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    source_line: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}: " if self.line else ""
        if not self.line and self.file:
            place = f"{self.file}: "
        text = f"{place}{self.message}"
        if self.source_line:
            text += f"\n{self._excerpt()}"
        if self.hint:
            text += f"\n    {self.hint}"
        return text

    def _excerpt(self) -> str:
        """The source line with a caret below the column; of a long line what is around it."""
        line, at = self.source_line, self.column - 1
        if len(line) > _WIDEST_LINE:
            start = max(0, min(at - _WIDEST_LINE // 2, len(line) - _WIDEST_LINE))
            before, after = (
                "..." if start else "",
                "..." if start + _WIDEST_LINE < len(line) else "",
            )
            line = f"{before}{line[start : start + _WIDEST_LINE]}{after}"
            at += len(before) - start
        return f"    {line}\n    {' ' * at}^"


class InputError(PcsimError):
    """The user's input is wrong. Carries every problem found, not only the first."""

    exit_code = 2

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class DoesNotFitError(PcsimError):
    """The network is too large for the chip; the message says by how much and what would fit."""

    exit_code = 2


class TruncatedCreditError(PcsimError):
    """Credit for every layer was asked for, and a training gave less; the message says why and what helps."""

    exit_code = 2


class MissingCostError(InputError):
    """The technology gives no price for something the chip does; the problems name all of them."""


class DeadlockError(PcsimError):
    """The simulated chip stopped before its work was done; the message says who waits for whom."""


class OutputError(PcsimError):
    """Results could not be written; the message says where and why, and that nothing is half-written."""


class Interrupted(PcsimError):
    """The user stopped a run; the message says what is kept."""

    exit_code = 130
