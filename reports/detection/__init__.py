"""Detectors in a report: which of them share axes, what their numbers say, their tables."""
