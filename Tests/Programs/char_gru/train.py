"""A character model with truncated backpropagation through time, in bfloat16, with tied embeddings."""

import torch
from torch import nn

TEXT = (
    "a model forgets nothing that it was told, and knows nothing that it was not asked. "
    "who trains at night reads in the morning what the night had left to say. "
) * 7


class CharModel(nn.Module):
    def __init__(self, vocabulary, width):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.rnn = nn.GRU(width, width, num_layers=2, dropout=0.1)
        self.decoder = nn.Linear(width, vocabulary)
        self.decoder.weight = self.embedding.weight  # tied

    def forward(self, x, hidden):
        out, hidden = self.rnn(self.embedding(x), hidden)
        return self.decoder(out), hidden


def batchify(ids, batch_size):
    columns = len(ids) // batch_size
    return ids[: columns * batch_size].view(batch_size, columns).t().contiguous()


def repackage(hidden):
    return hidden.detach()


@torch.no_grad()
def sample(model, start, length, index, letters):
    model.eval()
    hidden, x, text = None, torch.tensor([[index[start]]]), start
    for _ in range(length):
        logits, hidden = model(x, hidden)
        x = logits[-1].argmax(dim=1, keepdim=True)
        text += letters[x.item()]
    model.train()
    return text


torch.manual_seed(21)
letters = sorted(set(TEXT))
index = {c: i for i, c in enumerate(letters)}
data = batchify(torch.tensor([index[c] for c in TEXT]), 8)
model = CharModel(len(letters), 24)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=20)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
bptt = 8
best = None

for epoch in range(8):
    hidden = None
    total = 0.0
    for start in range(0, len(data) - 1, bptt):
        stop = min(start + bptt, len(data) - 1)
        x, y = data[start:stop], data[start + 1 : stop + 1]
        if hidden is not None:
            hidden = repackage(hidden)
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits, hidden = model(x, hidden)
            loss = nn.functional.cross_entropy(logits.float().flatten(0, 1), y.flatten())
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        norm = nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        scaler.step(optimizer)
        scaler.update()
        total += loss.item()
    scheduler.step()
    if best is None or total < best[0]:
        best = (total, {k: v.clone() for k, v in model.state_dict().items()})
    print(f"epoch {epoch}: loss {total / (len(data) // bptt):.4f}")

model.load_state_dict(best[1])
print(sample(model, "a", 40, index, letters))
