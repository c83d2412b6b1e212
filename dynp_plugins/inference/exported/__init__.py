"""A network's steps in a folder, with all that running them needs: writing it, and loading it."""

from .exporting import Export, export_model
from .loading import is_export, load_exported_model
from .manifest import Source

__all__ = ['Export', 'Source', 'export_model', 'is_export', 'load_exported_model']
