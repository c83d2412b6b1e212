"""What networks cost, as text, JSON and CSV."""
