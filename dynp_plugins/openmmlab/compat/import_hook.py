"""An import finder that serves stand-ins for missing modules and repairs others as they load."""

import importlib.abc
import sys
from collections.abc import Callable, Mapping
from importlib.machinery import ModuleSpec
from types import ModuleType

Fill = Callable[[ModuleType], None]
Execute = Callable[[ModuleType], None]
Repair = Callable[[ModuleType, Execute], None]


class CompatFinder(importlib.abc.MetaPathFinder):
    """Serves stand-ins for missing modules and wraps the execution of installed ones.

    It stands first in `sys.meta_path` but asks all other finders before it acts, so an installed
    module always comes before a stand-in.

    Args:
        stand_ins: module name -> function that fills the empty module. A name that is the parent of
            another one becomes a package.
        repairs: module name -> function called with the empty module and the function that executes
            the module's own code in it; it decides what happens around that.
    """

    def __init__(self, stand_ins: Mapping[str, Fill], repairs: Mapping[str, Repair]) -> None:
        self.stand_ins = stand_ins
        self.repairs = repairs

    def find_spec(self, fullname, path=None, target=None) -> ModuleSpec | None:
        """Find one of our modules; None, for any other name, sends the import on its usual way."""
        if fullname not in self.stand_ins and fullname not in self.repairs:
            return None
        spec = self._installed_spec(fullname, path, target)
        if spec is None:
            return self._stand_in_spec(fullname)
        if fullname in self.repairs:
            self._wrap(spec.loader, self.repairs[fullname])
        return spec

    def _installed_spec(self, fullname, path, target) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec = finder.find_spec(fullname, path, target)
            if spec is not None:
                return spec
        return None

    def _stand_in_spec(self, fullname: str) -> ModuleSpec | None:
        if fullname not in self.stand_ins:
            return None
        is_package = any(name.startswith(f'{fullname}.') for name in self.stand_ins)
        loader = _StandInLoader(self.stand_ins[fullname])
        origin = f'stand-in by {__package__}'
        return ModuleSpec(fullname, loader, origin=origin, is_package=is_package)

    @staticmethod
    def _wrap(loader, repair: Repair) -> None:
        # Each find_spec makes a fresh loader, so patching the instance keeps everything else about
        # it real (source, resources, cached bytecode) and touches no other module.
        execute = loader.exec_module
        loader.exec_module = lambda module: repair(module, execute)


class _StandInLoader(importlib.abc.Loader):
    """Runs a `Fill` function in place of a module's source."""

    def __init__(self, fill: Fill) -> None:
        self.fill = fill

    def exec_module(self, module: ModuleType) -> None:
        self.fill(module)
