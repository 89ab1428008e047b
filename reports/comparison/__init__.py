"""How sure differences between methods are: within a task, and over tasks."""
