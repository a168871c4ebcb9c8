"""Handwritten digits: a residual perceptron and the engine that trains it."""
