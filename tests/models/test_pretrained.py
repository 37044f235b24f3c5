"""Names of models: folders, names on the hub, and what is neither."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from onoma.exceptions import ModelError
from onoma.models import pretrained


class Hub:
    """Knows one model, and counts how often it was asked."""

    asked = 0

    def model_info(self, name: str, timeout: float) -> None:
        assert 0 < timeout <= 60
        type(self).asked += 1
        if name != "somebody/has-this":
            raise ConnectionError(f"{name} is not to be had\nat all")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Hub]:
    huggingface_hub: Any = pytest.importorskip("huggingface_hub")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub, "HfApi", Hub)
    monkeypatch.setattr(Hub, "asked", 0)
    return Hub


def test_a_name_is_asked_for_once(hub: type[Hub], tmp_path: Path) -> None:
    assert pretrained.resolve("somebody/has-this") == "somebody/has-this" and hub.asked == 1
    with pytest.raises(ModelError, match=r"no such model folder, nor can it be had from the hub: .* not to be had$"):
        pretrained.resolve("nobody/has-this")
    assert hub.asked == 2
    (tmp_path / "nobody" / "has-this").mkdir(parents=True)
    assert pretrained.resolve("nobody/has-this") == str(Path("nobody/has-this")) and hub.asked == 2


@pytest.mark.parametrize("name", ["./runs", "../runs", "a/b/c", "/nowhere", "~/nowhere", "a b", "runs/", ".", ""])
def test_what_can_be_no_name_on_the_hub_is_not_asked_for(hub: type[Hub], name: str) -> None:
    with pytest.raises(ModelError, match=r"there is no such model folder$"):
        pretrained.look_for(name)
    assert not hub.asked


def test_what_was_loaded_before_is_not_asked_for(hub: type[Hub], monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda name, file: f"/cache/{name}/{file}")
    assert pretrained.resolve("nobody/has-this") == "nobody/has-this" and not hub.asked


def test_without_the_hub_there_are_folders_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"there is no such model folder$"):
        pretrained.look_for("nobody/has-this")
