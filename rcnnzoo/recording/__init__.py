"""Traces on disk: logits of every step for a whole data set, recorded once; all analysis reads traces."""
