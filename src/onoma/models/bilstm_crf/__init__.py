"""BiLSTM-CRF: word and character embeddings, a bidirectional LSTM over words, a linear chain; trained from scratch."""

from onoma.models.bilstm_crf.model import BilstmCrf
from onoma.models.bilstm_crf.options import BilstmCrfOptions

__all__ = ["BilstmCrf", "BilstmCrfOptions"]
