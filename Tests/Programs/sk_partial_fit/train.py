"""A linear classifier learns from a stream, batch by batch, behind a scaler that learns, too."""

import logging
import sys

import numpy as np
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from stream import DriftingStream

logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s", level=logging.INFO)
log = logging.getLogger("train")

stream = DriftingStream(4000, 50, random_state=3)
held_out = DriftingStream(800, 800, random_state=3)
scaler = StandardScaler()
model = SGDClassifier(loss="log_loss", learning_rate="adaptive", eta0=0.02, average=True, random_state=1)
classes = np.unique(stream.labels)

for epoch in range(6):
    seen = 0
    for features, labels in stream:
        scaler.partial_fit(features)
        model.partial_fit(scaler.transform(features), labels, classes=classes)
        seen += len(labels)
    shares = model.predict_proba(scaler.transform(held_out.features))
    loss = log_loss(held_out.labels, shares)
    log.info("epoch %d rows %d loss %.6f", epoch, seen, loss)
print("coefficients", np.round(np.abs(model.coef_).sum(axis=1), 6))
