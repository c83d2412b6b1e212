"""Measuring detectors: costs, times, detection tables, average precision."""
