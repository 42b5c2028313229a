"""How long each kind of unit takes for a task, and what it does meanwhile: closed forms."""
