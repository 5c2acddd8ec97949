"""The module's own widget, driven as a person would, on PySide6 and real MRML; only inference is faked."""
