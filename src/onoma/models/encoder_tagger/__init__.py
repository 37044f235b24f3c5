"""The encoder tagger: any `transformers` encoder with a linear head over the first piece of every word."""

from onoma.models.encoder_tagger.model import EncoderTagger
from onoma.models.encoder_tagger.options import EncoderTaggerOptions

__all__ = ["EncoderTagger", "EncoderTaggerOptions"]
