"""How spans are put to a model: the settings that training, comparisons and experiments have in common."""

from __future__ import annotations

from typing import Any, Literal

from onoma.exceptions import ConfigError
from onoma.schemes import Repair
from onoma.settings import Settings

__all__ = ["AskedSettings"]

OF_TAGS = ("scheme", "repair", "on_misaligned")


class AskedSettings(Settings):
    """Encoding and prompt of a recognizer, as given; what is left at its default may mean nothing to its family."""

    scheme: str = "BIO"
    """Tag scheme: IO, BIO, IOB1, BIOES, BILOU or BMES."""
    repair: Repair = "conlleval"
    """What happens to illegal tag sequences at prediction."""
    on_misaligned: Literal["error", "expand", "drop"] = "error"
    """What happens to training spans that the encoding cannot write."""
    encoding: str | None = None
    """Text encoding of a family that writes text: word_tags (the default), brackets, xml, offset_json, ..."""
    encoding_options: dict[str, Any] = {}
    """Options of that encoding, such as --encoding-options.align lcs."""
    prompt: dict[str, Any] = {}
    """How questions are put to a family that writes text, such as --prompt.template fields."""

    def asked(self) -> dict[str, Any]:
        """These settings alone, as arguments of `Recognizer.create`."""
        return {name: getattr(self, name) for name in AskedSettings.model_fields}

    def of_tags(self) -> dict[str, Any]:
        """What is not at its default of scheme, repair policy and what happens to spans that cannot be written."""
        return {name: getattr(self, name) for name in OF_TAGS if self.is_changed(name)}

    def refuse(self, family: str, why: str, *names: str) -> None:
        """Raise `ConfigError` for the first of these (by default encoding and prompt) that is not at its default."""
        for name in names or AskedSettings.model_fields:
            if self.is_changed(name):
                raise ConfigError(f"{name} = {getattr(self, name)!r} means nothing to {family}, {why}")
