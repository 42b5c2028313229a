"""What happens at an event, at speed: the compiled part of the machine, which SimPy calls event by event.

Importing anything below it imports numba.
"""
