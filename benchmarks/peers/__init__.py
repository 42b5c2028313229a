"""The same predictive coding update in numpy, torch and JAX, each as a good user of that library would write it."""
