"""What stands for a letter that a console cannot show? The closest ASCII, from one table.

Importing this module registers the error handler ``CLOSEST``, which any encoder can be told to use.
"""

from __future__ import annotations

import codecs
import encodings.ascii as plain
import unicodedata

CLOSEST = "pcsim-closest"
"""The error handler: what an encoding lacks is written as its closest ASCII, else as a question mark."""

ASCII = "pcsim-ascii"
"""The encoding ASCII under a name of our own. Where click meets the name "ascii" it writes UTF-8 instead."""

LETTERS = {
    # Units and quantities.
    "µ": "u", "μ": "u", "Ω": "Ohm", "°": " deg", "‰": "/1000",
    "×": "x", "·": "*", "÷": "/", "⁄": "/", "∕": "/", "±": "+-", "−": "-", "√": "sqrt", "∞": "inf",
    "²": "^2", "³": "^3", "¹": "^1", "⁰": "^0", "⁻": "^-", "ᵏ": "^k", "ⁿ": "^n", "ᵀ": "^T",
    "≈": "~", "≤": "<=", "≥": ">=", "≠": "!=", "≡": "==", "∝": "~", "→": "->", "←": "<-", "↑": "^",
    "↓": "v", "⇒": "=>", "∑": "sum", "∏": "prod", "∂": "d", "∇": "grad", "∈": "in", "∫": "int",
    # Greek, as mathematics has it.
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "eps", "ζ": "zeta", "η": "eta",
    "θ": "theta", "κ": "kappa", "λ": "lambda", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho",
    "σ": "sigma", "τ": "tau", "φ": "phi", "ϕ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
    "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi",
    "Ψ": "Psi",
    # Quotes, dashes, marks of lists.
    "‘": "'", "’": "'", "‚": ",", "“": '"', "”": '"', "„": '"', "«": "<<", "»": ">>", "‹": "<",
    "›": ">", "′": "'", "″": '"', "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-",
    "…": "...", "•": "*", "‣": ">", "●": "o", "○": "o", "◆": "*", "◇": "*", "■": "#", "□": "#",
    "▪": "*", "▲": "^", "△": "^", "▼": "v", "▽": "v", "▶": ">", "▷": ">", "►": ">", "◀": "<",
    "◁": "<", "◄": "<", "✓": "v", "✔": "v", "✗": "x", "✘": "x", "★": "*", "☆": "*",
    # What Latin letters do not decompose into.
    "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
    "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "Th", "ı": "i", "§": "S", "©": "(c)",
    "€": "EUR", "£": "GBP",
}  # fmt: skip
"""Signs of pcsim's own, and common ones of users' names. Lines and blocks are found by their names."""


def closest(letter: str) -> str:
    """``letter`` in ASCII: itself, as the table has it, what is left of it without accents, or "?"."""
    if letter.isascii():
        return letter
    if letter in LETTERS:
        return LETTERS[letter]
    name = unicodedata.name(letter, "")
    if name.startswith("BOX DRAWINGS"):
        return _line(name)
    if name.startswith("BRAILLE PATTERN") or "BLOCK" in name or "SHADE" in name:
        return "#"
    if unicodedata.category(letter) == "Zs":
        return " "
    parts = unicodedata.normalize("NFKD", letter)
    if parts == letter:
        return "" if unicodedata.combining(letter) else "?"
    return "".join(map(closest, parts))


def _line(name: str) -> str:
    """A piece of a drawn line: level, upright, or a corner."""
    if "DIAGONAL" in name:
        return "/" if "TO LOWER LEFT" in name and "UPPER RIGHT" in name else "\\"
    words = set(name.split()) - {
        "BOX",
        "DRAWINGS",
        "LIGHT",
        "HEAVY",
        "AND",
        "DOUBLE",
        "SINGLE",
        "DASH",
    }
    if words <= {"HORIZONTAL", "LEFT", "RIGHT", "TRIPLE", "QUADRUPLE"}:
        return "-"
    return "|" if words <= {"VERTICAL", "UP", "DOWN", "TRIPLE", "QUADRUPLE"} else "+"


def in_ascii(text: str) -> str:
    """``text`` with every letter in its closest ASCII."""
    return text if text.isascii() else "".join(map(closest, text))


def _handle(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return in_ascii(error.object[error.start : error.end]), error.end


def _find(name: str) -> codecs.CodecInfo | None:
    if name.replace("_", "-") != ASCII:
        return None
    codec = plain.getregentry()
    return codecs.CodecInfo(
        codec.encode,
        codec.decode,
        codec.streamreader,
        codec.streamwriter,
        codec.incrementalencoder,
        codec.incrementaldecoder,
        name=ASCII,
    )


codecs.register_error(CLOSEST, _handle)
codecs.register(_find)
