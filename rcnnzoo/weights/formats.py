"""Formats of published weights and their readers; light to import."""

from __future__ import annotations

FORMATS = {"rcnn-sat": "rcnnzoo.weights.rcnn_sat:read_rcnn_sat"}
"""By what users type: the function that reads a file as an architecture's weights."""
