"""Plug-ins: a decorator in the plug-in's own file, and discovery of the folder that the file lies in."""

import difflib
import importlib
import inspect
import pkgutil
from typing import Generic, TypeVar, cast

T = TypeVar("T")
Plugin = TypeVar("Plugin", bound=type)  # what `register` returns is the class that it got, constructor and all


class UnknownName(ValueError):
    """A name that no plug-in or preset carries; the message lists the valid ones and the nearest."""

    def __init__(self, noun: str, name: str, valid: list[str]):
        nearest = difflib.get_close_matches(name, valid, n=1, cutoff=0.4)
        hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
        super().__init__(f"unknown {noun} '{name}'.{hint} Valid names: {', '.join(valid)}")


class DuplicateName(ValueError):
    """Two plug-ins claim one name."""


class Registry(Generic[T]):
    """The plug-ins of one folder. A plug-in's name is the name of the file that it stands in."""

    def __init__(self, package: str, noun: str):
        self._package = package
        self._noun = noun
        self._classes: dict[str, type[T]] = {}

    def register(self, plugin: Plugin) -> Plugin:
        """Class decorator. Raises DuplicateName, naming both files, if the name is taken."""
        name = plugin.__module__.rpartition(".")[2]
        known = self._classes.get(name)
        if known is not None:
            raise DuplicateName(
                f"two plug-ins claim the {self._noun} name '{name}': {known.__qualname__} in "
                f"{inspect.getfile(known)} and {plugin.__qualname__} in {inspect.getfile(plugin)}"
            )
        self._classes[name] = cast("type[T]", plugin)
        return plugin

    def names(self) -> list[str]:
        """All names, sorted; imports every file of the folder."""
        folder = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(folder.__path__):
            if not module.ispkg:
                importlib.import_module(f"{self._package}.{module.name}")
        return sorted(self._classes)

    def get(self, name: str) -> type[T]:
        """The class behind a name. Raises UnknownName."""
        if name not in self._classes and name not in self.names():
            raise UnknownName(self._noun, name, self.names())
        return self._classes[name]
