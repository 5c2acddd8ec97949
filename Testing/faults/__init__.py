"""What goes wrong around a run, made to go wrong: memory, disk, rights, names, packages. The table: docs/faults.md."""
