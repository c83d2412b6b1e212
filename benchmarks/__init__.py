"""Measuring: costs, exit tables, protocols and the results schema."""
