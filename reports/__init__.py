"""Drawing: figures, tables and the self-contained page. Nothing is measured here."""
