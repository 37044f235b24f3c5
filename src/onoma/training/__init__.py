"""Gradient training: a thin layer over `transformers.Trainer` that knows no family and no recognizer."""
