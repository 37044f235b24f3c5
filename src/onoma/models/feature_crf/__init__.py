"""The feature CRF: linear-chain CRF over templates of word features, trained by python-crfsuite, decoded by us."""

from onoma.models.feature_crf.model import FeatureCrf, FeatureCrfOptions

__all__ = ["FeatureCrf", "FeatureCrfOptions"]
