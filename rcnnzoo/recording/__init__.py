"""Traces on disk: logits of every step for a whole data set, recorded once; what is analysis reads a trace."""
