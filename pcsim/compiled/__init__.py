"""How does a function of ours become machine code, and where is that kept? Knows nothing of learning or of chips.

``listeners`` and ``known`` import no numba; the modules beside them do, and no other room imports numba.
"""
