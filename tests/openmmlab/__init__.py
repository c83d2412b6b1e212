"""Tests of the OpenMMLab side; the import mends the stack before any of them imports mmdet."""

import dynp_plugins.openmmlab  # noqa: F401
