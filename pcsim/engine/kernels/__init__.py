"""What is computed at speed: the compiled part of the engine. Importing anything below it imports numba."""
