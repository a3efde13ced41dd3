"""Named declarations in TOML (grids, protocols, recipes): finding, reading and validating them."""

import tomllib
from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from systems.registry import UnknownName

D = TypeVar("D", bound="Declaration")
FOLDER = Path(__file__).parent


class BadInput(ValueError):
    """Wrong usage: what was wrong, where, and what would be right. Ends the command with exit code 2."""


class Declaration(BaseModel):
    """Base of everything that is declared in TOML: unknown keys are errors, values are finite and not converted.

    `cosmetic` are the fields that are no part of what it says.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    cosmetic: ClassVar[frozenset[str]] = frozenset({"name", "description"})

    name: str = ""

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, content):
        """Before pydantic says so, which does not know what would be right."""
        for key in content if isinstance(content, dict) else ():
            if key not in cls.model_fields:
                raise UnknownName("key", key, sorted(set(cls.model_fields) - {"name"}))
        return content


def load(kind: type[D], folder: str, noun: str, name: str, beside: Path | None = None) -> D:
    """The declaration of a name in bench/<folder>/, or of a .toml file (relative to `beside`).

    Raises BadInput naming the file, the key and the reason, or the valid names.
    """
    path = _locate(folder, noun, name, beside)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not valid TOML: {error}") from error
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
    return validated(kind, content, path.stem, str(path))


def validated(kind: type[D], content: dict, name: str, where: str) -> D:
    """The declaration of a content. Raises BadInput naming the place, the key and the reason."""
    try:
        return kind.model_validate({**content, "name": name})
    except ValidationError as error:
        raise BadInput("\n".join(_explain(where, detail) for detail in error.errors())) from error


def names(folder: str) -> list[str]:
    """The names declared in bench/<folder>/."""
    return sorted(path.stem for path in (FOLDER / folder).glob("*.toml"))


def _locate(folder: str, noun: str, name: str, beside: Path | None) -> Path:
    if name.endswith(".toml"):
        path = (beside or Path.cwd()) / name
        if not path.is_file():
            raise BadInput(f"no {noun} file {path}")
        return path
    if name not in names(folder):
        raise BadInput(str(UnknownName(noun, name, names(folder))))
    return FOLDER / folder / f"{name}.toml"


def _explain(where: str, detail) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    at = f"key '{key}': " if key else ""
    return f"{where}: {at}{detail['msg'].removeprefix('Value error, ')}"
