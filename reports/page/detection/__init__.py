"""The page's part about detectors."""
