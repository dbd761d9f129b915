"""Backbones: pretrained transformers, their families as data, their shapes, their loading."""
